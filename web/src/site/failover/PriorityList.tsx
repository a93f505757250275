import { Accessibility } from '@dnd-kit/dom';
import { DragDropProvider } from '@dnd-kit/react';
import { isSortable, useSortable } from '@dnd-kit/react/sortable';
import { ActionIcon, Group, Paper, Stack, Text } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconGripVertical } from '@tabler/icons-react';
import { type ReactNode, useRef, useState } from 'react';
import { placeInWords } from './order';
import classes from './PriorityList.module.css';

interface Item {
  id: string;
  name: string;
  content: ReactNode;
  /** What else can be done with it. */
  actions?: ReactNode;
}

interface Props {
  items: Item[];
  /** Whether the order may be changed. */
  sortable: boolean;
  onMove: (id: string, to: number) => void;
}

/**
 * Tunnels in their order, which changes by dragging, by the handle's keys (space, arrows, space) and by buttons. What
 * happens is also said to who listens.
 */
export function PriorityList({ items, sortable, onMove }: Props) {
  const [said, say] = useState('');
  const nameOf = (id: unknown) => items.find((item) => item.id === id)?.name ?? 'the tunnel';
  const move = (id: string, to: number) => {
    onMove(id, to);
    say(`${nameOf(id)} is now number ${to + 1} of ${items.length}`);
  };
  // The library asks for the texts once, but the names may change.
  const names = useRef(nameOf);
  names.current = nameOf;

  return (
    <DragDropProvider
      plugins={(defaults) => [
        ...defaults.filter((plugin) => plugin !== Accessibility),
        Accessibility.configure(spoken((id) => names.current(id))),
      ]}
      onDragEnd={({ operation, canceled }) => {
        const { source } = operation;
        if (canceled || !isSortable(source) || source.index === source.initialIndex) return;
        move(String(source.id), source.index);
      }}
    >
      <Stack component="ol" gap="sm" p={0} m={0} className={classes.list}>
        {items.map((item, index) => (
          <Row
            key={item.id}
            item={item}
            index={index}
            last={items.length - 1}
            sortable={sortable}
            onMove={move}
          />
        ))}
      </Stack>
      <div className={classes.spoken} aria-live="assertive">
        {said}
      </div>
    </DragDropProvider>
  );
}

interface RowProps {
  item: Item;
  index: number;
  last: number;
  sortable: boolean;
  onMove: (id: string, to: number) => void;
}

function Row({ item, index, last, sortable, onMove }: RowProps) {
  const { ref, handleRef, isDragging } = useSortable({ id: item.id, index, disabled: !sortable });
  return (
    <Paper
      component="li"
      withBorder
      p="sm"
      ref={ref}
      shadow={isDragging ? 'md' : undefined}
      className={classes.row}
    >
      {sortable && (
        <button ref={handleRef} type="button" className={classes.handle} aria-label={`Move ${item.name}`}>
          <IconGripVertical size={20} aria-hidden />
        </button>
      )}
      <div className={classes.content}>
        <Text size="xs" c="dimmed" fw={600}>
          {index + 1} · {placeInWords(index)}
        </Text>
        {item.content}
      </div>
      <Group gap={4} justify="flex-end" className={classes.actions}>
        {sortable && (
          <>
            <ActionIcon
              variant="default"
              aria-label={`Move ${item.name} up`}
              disabled={index === 0}
              onClick={() => onMove(item.id, index - 1)}
            >
              <IconArrowUp size={16} aria-hidden />
            </ActionIcon>
            <ActionIcon
              variant="default"
              aria-label={`Move ${item.name} down`}
              disabled={index === last}
              onClick={() => onMove(item.id, index + 1)}
            >
              <IconArrowDown size={16} aria-hidden />
            </ActionIcon>
          </>
        )}
        {item.actions}
      </Group>
    </Paper>
  );
}

/** What the library says, with names in place of ids. */
function spoken(nameOf: (id: unknown) => string) {
  return {
    screenReaderInstructions: {
      draggable:
        'Press space to lift the tunnel, the arrow keys to move it, space to put it down, escape to leave it.',
    },
    announcements: {
      dragstart: ({ operation: { source } }: SpokenEvent) => source && `Lifted ${nameOf(source.id)}`,
      dragover: ({ operation: { source, target } }: SpokenEvent) =>
        source && target && source.id !== target.id
          ? `${nameOf(source.id)} is at the place of ${nameOf(target.id)}`
          : undefined,
      dragend: ({ operation: { source }, canceled }: SpokenEvent & { canceled?: boolean }) =>
        source && (canceled ? `${nameOf(source.id)} stays where it was` : `Put ${nameOf(source.id)} down`),
    },
  };
}

interface SpokenEvent {
  operation: { source: { id: unknown } | null; target: { id: unknown } | null };
}
