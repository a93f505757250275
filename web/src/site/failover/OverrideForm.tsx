import { Button, Group, Radio, Select, Stack, Textarea } from '@mantine/core';
import type { Schemas, Tunnel } from '../../api/types';
import { useApiForm } from '../../ui/form';
import { ErrorNote } from '../../ui/notes';
import { useOverride } from './tunnels';

const kinds: Record<Schemas['OverrideKind'], [label: string, about: string]> = {
  prefer: ['Prefer it', 'It comes first while it works, whatever its priority'],
  avoid: ['Avoid it', 'It comes last, and is used only when nothing else works'],
  off: ['Switch it off', 'It carries nothing, even when nothing else works'],
};

const lengths = [
  { value: '1', label: 'For an hour' },
  { value: '8', label: 'For eight hours' },
  { value: '24', label: 'For a day' },
  { value: '168', label: 'For a week' },
  { value: '', label: 'Until it is ended' },
];

const initial = { kind: 'avoid' as Schemas['OverrideKind'], hours: '8', reason: '' };

/** Sets the priority aside for a while. */
export function OverrideForm({ tunnel, onDone }: { tunnel: Tunnel; onDone: () => void }) {
  const override = useOverride(tunnel);
  const form = useApiForm(initial, override.error);
  const submit = form.onSubmit(({ kind, hours, reason }) =>
    override.mutate(
      {
        kind,
        reason,
        expires_at: hours ? new Date(Date.now() + Number(hours) * 3_600_000).toISOString() : null,
      },
      { onSuccess: onDone },
    ),
  );
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Radio.Group label="What" {...form.getInputProps('kind')}>
          <Stack gap="xs" mt="xs">
            {Object.entries(kinds).map(([kind, [label, about]]) => (
              <Radio key={kind} value={kind} label={label} description={about} />
            ))}
          </Stack>
        </Radio.Group>
        <Select label="How long" data={lengths} allowDeselect={false} {...form.getInputProps('hours')} />
        <Textarea
          label="Reason"
          description="Whoever finds it later wants to know"
          required
          autosize
          minRows={2}
          {...form.getInputProps('reason')}
        />
        <ErrorNote error={override.error} shown={['kind', 'reason']} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={override.isPending}>
            Override
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
