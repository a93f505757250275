import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { pulseQuery } from './pulse';

/** What a tunnel measures at this moment. */
export function Numbers({ tunnel }: { tunnel: string }) {
  const { data } = useQuery(pulseQuery(tunnel));
  const loss = data?.loss;
  return (
    <Group gap="lg" className="tabular">
      <Measured name="Latency" value={data?.rtt_ms} unit="ms" />
      <Measured name="Jitter" value={data?.jitter_ms} unit="ms" />
      <Measured name="Loss" value={typeof loss === 'number' ? loss * 100 : undefined} unit="%" />
    </Group>
  );
}

function Measured({ name, value, unit }: { name: string; value: number | null | undefined; unit: string }) {
  return (
    <Text size="sm">
      <Text span size="xs" c="dimmed">
        {name}
      </Text>{' '}
      {value === null || value === undefined
        ? '–'
        : `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`}
    </Text>
  );
}
