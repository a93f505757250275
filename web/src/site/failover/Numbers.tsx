import { Group, Text, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { bitRate } from '../health/traffic';
import { pulseQuery, trafficQuery } from './pulse';

/** What a tunnel measures at this moment, and what its line carries. */
export function Numbers({ tunnel }: { tunnel: string }) {
  const { data } = useQuery(pulseQuery(tunnel));
  const { data: traffic } = useQuery(trafficQuery(tunnel));
  const loss = data?.loss;
  return (
    <Group gap="lg" className="tabular">
      <Measured name="Latency">{quantity(data?.rtt_ms, 'ms')}</Measured>
      <Measured name="Jitter">{quantity(data?.jitter_ms, 'ms')}</Measured>
      <Measured name="Loss">{quantity(typeof loss === 'number' ? loss * 100 : null, '%')}</Measured>
      <Measured name="Traffic">
        {traffic && (
          <>
            <Flow sign="↓" word="received">
              {bitRate(traffic.rx)}
            </Flow>{' '}
            <Flow sign="↑" word="sent">
              {bitRate(traffic.tx)}
            </Flow>
          </>
        )}
      </Measured>
    </Group>
  );
}

function Measured({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Text size="sm">
      <Text span size="xs" c="dimmed">
        {name}
      </Text>{' '}
      {children ?? '–'}
    </Text>
  );
}

function Flow({ sign, word, children }: { sign: string; word: string; children: string }) {
  return (
    <>
      <span aria-hidden>{sign}</span>
      <VisuallyHidden>{word}</VisuallyHidden> {children}
    </>
  );
}

function quantity(value: number | null | undefined, unit: string): string | null {
  if (value === null || value === undefined) return null;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
