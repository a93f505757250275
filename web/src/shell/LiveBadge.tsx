import { Badge, Tooltip } from '@mantine/core';
import { IconBolt, IconBoltOff, IconPlayerPause } from '@tabler/icons-react';
import type { LiveState } from '../live/connection';
import { useLive } from '../live/LiveProvider';
import { useClock } from '../ui/clock';
import { relative } from '../ui/time';

/** Whether what the page shows is as it is now. */
export function LiveBadge() {
  const live = useLive();
  const about = useClock((now) => explained(live, now));
  const look = looks[live.kind];
  return (
    <Tooltip label={about}>
      <Badge
        color={look.color}
        variant={live.kind === 'lost' ? 'filled' : 'light'}
        leftSection={<look.icon size={12} aria-hidden />}
        tt="none"
        role="status"
        tabIndex={0}
        aria-label={`${look.label}: ${about}`}
      >
        {look.label}
      </Badge>
    </Tooltip>
  );
}

const looks = {
  connecting: { label: 'Connecting', color: 'gray', icon: IconBolt },
  live: { label: 'Live', color: 'teal', icon: IconBolt },
  paused: { label: 'Paused', color: 'gray', icon: IconPlayerPause },
  lost: { label: 'Connection lost', color: 'red', icon: IconBoltOff },
} as const;

function explained(live: LiveState, now: number): string {
  switch (live.kind) {
    case 'connecting':
      return 'Connecting to the server';
    case 'live':
      return 'Changes appear here as they happen';
    case 'paused':
      return 'Nobody looked at this page; it goes on when you return';
    case 'lost':
      return `What you see is from ${relative(new Date(live.since), now)}; trying again by itself`;
  }
}
