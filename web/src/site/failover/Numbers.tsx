import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import type { Pulse } from '../../live/apply';

/** What a tunnel measures at this moment. Live events bring it; nothing is asked for. */
export function Numbers({ tunnel }: { tunnel: string }) {
  const { data } = useQuery<Pulse | null>({
    queryKey: keys.pulse(tunnel),
    queryFn: () => null,
    initialData: null,
    enabled: false,
  });
  return (
    <Group gap="lg" className="tabular">
      <Measured name="Latency" value={data?.rtt_ms} unit="ms" />
      <Measured name="Jitter" value={data?.jitter_ms} unit="ms" />
      <Measured name="Loss" value={data ? data.loss * 100 : undefined} unit="%" />
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
