import { Button, Group, Select, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

/** The filters above a list; what they say is in the address bar. */
export function FilterBar({
  filter,
  onClear,
  children,
}: {
  filter: object;
  onClear: () => void;
  children: ReactNode;
}) {
  return (
    <Group gap="sm" align="flex-end">
      {children}
      {Object.keys(filter).length > 0 && (
        <Button variant="subtle" size="xs" onClick={onClear}>
          Clear filters
        </Button>
      )}
    </Group>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  /** What it says when nothing is chosen. */
  all: string;
  width?: number;
  value: T | undefined;
  data: { value: T; label: string }[];
  onChange: (value: T | undefined) => void;
}

/** One of several words, or any. */
export function Choice<T extends string>({ label, all, width = 160, value, data, onChange }: ChoiceProps<T>) {
  return (
    <Select
      aria-label={label}
      placeholder={all}
      clearable
      clearButtonProps={{ 'aria-label': all }}
      w={width}
      value={value ?? null}
      data={data}
      onChange={(word) => onChange(data.find((option) => option.value === word)?.value)}
    />
  );
}

interface MomentProps {
  label: string;
  value: string | undefined;
  onChange: (at: string | undefined) => void;
}

/** A time in UTC, to the minute. */
export function Moment({ label, value, onChange }: MomentProps) {
  return (
    <TextInput
      type="datetime-local"
      aria-label={label}
      title={label}
      w={190}
      value={value?.slice(0, 16) ?? ''}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        onChange(typed ? new Date(`${typed}:00Z`).toISOString() : undefined);
      }}
    />
  );
}
