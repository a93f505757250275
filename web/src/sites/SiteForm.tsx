import { Button, Group, NumberInput, Stack, Textarea, TextInput } from '@mantine/core';
import { useApiForm } from '../ui/form';
import { ErrorNote } from '../ui/notes';

export interface SiteValues extends Record<string, unknown> {
  name: string;
  note: string;
  hold_s: number;
}

interface Props {
  initial: SiteValues;
  verb: string;
  pending: boolean;
  error: unknown;
  onSubmit: (values: SiteValues) => void;
  onCancel: () => void;
}

export function SiteForm({ initial, verb, pending, error, onSubmit, onCancel }: Props) {
  const form = useApiForm<SiteValues>(initial, error);
  return (
    <form onSubmit={form.onSubmit(onSubmit)}>
      <Stack gap="md">
        <TextInput
          label="Name"
          description="As people call the place"
          placeholder="Head office"
          required
          maxLength={100}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Textarea
          label="Note"
          description="What is worth remembering: where the router is, who has the key"
          autosize
          minRows={2}
          {...form.getInputProps('note')}
        />
        <NumberInput
          label="Hold after a failure"
          description="How long a connection must be steady before it may carry traffic again"
          suffix=" s"
          min={3}
          max={3600}
          allowDecimal={false}
          required
          {...form.getInputProps('hold_s')}
        />
        <ErrorNote error={error} shown={['name', 'note', 'hold_s']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={pending}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
