import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useClock } from '../../ui/clock';
import { linkStates } from '../../ui/states';
import { utc } from '../../ui/time';
import classes from './StateStrip.module.css';
import { availability, segments, statesQuery } from './strip';

const day = 86_400_000;

/** How a tunnel was in the last 24 hours. */
export function StateStrip({ tunnel }: { tunnel: string }) {
  const { data } = useQuery(statesQuery(tunnel));
  const minute = useClock((now) => Math.floor(now / 60_000));
  const parts = useMemo(() => {
    const now = (minute + 1) * 60_000;
    return segments(data?.items ?? [], now - day, now);
  }, [data, minute]);
  const share = availability(parts);
  const words =
    share === undefined ? 'nothing is known yet' : `up ${(share * 100).toFixed(share > 0.9995 ? 0 : 2)} %`;
  return (
    <div>
      <div className={classes.strip} role="img" aria-label={`The last 24 hours: ${words}`}>
        {parts.map(({ state, cause, at, start, length }) => (
          <div
            key={at + state}
            className={classes.part}
            title={`${linkStates[state].label} since ${utc(at)}: ${cause}`}
            style={{
              left: `${start * 100}%`,
              width: `${length * 100}%`,
              background: `var(--mantine-color-${linkStates[state].color}-filled)`,
            }}
          />
        ))}
      </div>
      <Text size="xs" c="dimmed">
        Last 24 h: {words}
      </Text>
    </div>
  );
}
