import { NumberInput, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import type { Schemas } from '../../api/types';
import { options } from '../../ui/states';
import type { SettingsForm } from './TunnelSettings';

const profiles: Record<Schemas['ProfileName'], string> = {
  fast: 'Fast: notices in half a second',
  normal: 'Normal: notices in two seconds',
  saver: 'Saver: notices in 15 seconds, costs little',
};

const policies: Record<Schemas['SessionPolicy'], string> = {
  usual: 'As usual: stay, but not on a metered link',
  keep: 'Stay until they end',
  drain: 'Are moved after some minutes',
  'move-now': 'Are moved at once',
};

/** How often it is probed, and what is too bad. */
export function TargetFields({ form }: { form: SettingsForm }) {
  return (
    <Stack gap="sm">
      <Select
        label="Probing"
        placeholder="As usual for the connection type"
        clearable
        clearButtonProps={{ 'aria-label': 'As usual for the connection type' }}
        data={options(profiles)}
        {...form.getInputProps('probe_profile')}
      />
      <Text size="sm" c="dimmed">
        A link that is worse than its targets is called degraded, and ranked below every good one.
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <NumberInput
          label="Latency at most"
          suffix=" ms"
          min={1}
          allowDecimal={false}
          {...form.getInputProps('sla_latency_ms')}
        />
        <NumberInput
          label="Jitter at most"
          suffix=" ms"
          min={1}
          allowDecimal={false}
          {...form.getInputProps('sla_jitter_ms')}
        />
        <NumberInput
          label="Loss at most"
          suffix=" %"
          min={0}
          max={100}
          {...form.getInputProps('sla_loss_percent')}
        />
      </SimpleGrid>
    </Stack>
  );
}

/** What happens to live connections. */
export function SessionFields({ form }: { form: SettingsForm }) {
  const drains = [form.values.policy_failover, form.values.policy_failback].includes('drain');
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select
          label="When traffic leaves this link"
          allowDeselect={false}
          data={options(policies)}
          {...form.getInputProps('policy_failover')}
        />
        <Select
          label="When traffic returns to it"
          allowDeselect={false}
          data={options(policies)}
          {...form.getInputProps('policy_failback')}
        />
      </SimpleGrid>
      {drains && (
        <NumberInput
          label="Moved after"
          suffix=" min"
          min={1}
          allowDecimal={false}
          {...form.getInputProps('drain_min')}
        />
      )}
    </Stack>
  );
}
