import { Badge, Text } from '@mantine/core';
import type { Fault } from '../api/types';
import { useClock } from '../ui/clock';
import { duration } from '../ui/time';

/** How long a fault lasted; how long it has lasted so far while it goes on. */
export function FaultDuration({ fault }: { fault: Fault }) {
  const soFar = useClock((now) => duration(Math.floor((now - Date.parse(fault.started_at)) / 1000)));
  if (fault.state === 'closed') {
    return (
      <Text size="sm" span>
        {duration(fault.duration_s ?? 0)}
      </Text>
    );
  }
  return (
    <Badge color="red" variant="light" tt="none">
      Open, {soFar}
    </Badge>
  );
}
