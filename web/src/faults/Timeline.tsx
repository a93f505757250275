import { Box, Paper, Text, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Fault } from '../api/types';
import { useClock } from '../ui/clock';
import { faultTypes, severities } from '../ui/states';
import { utc } from '../ui/time';
import classes from './Timeline.module.css';
import { type Bar, lanes, marks, spanOf } from './timeline';

const mostLanes = 12;
const mostMarks = 6;

/** The faults of the list over time, a lane for each tunnel. The table below says the same in words. */
export function Timeline({ faults }: { faults: Fault[] }) {
  const minute = useClock((now) => Math.floor(now / 60_000));
  const { rows, scale } = useMemo(() => {
    const now = (minute + 1) * 60_000;
    const span = spanOf(faults, now);
    const scale = marks(span, mostMarks).map((at) => ({
      at,
      left: (at - span.from) / (span.to - span.from),
    }));
    return { rows: lanes(faults, span, now, mostLanes), scale };
  }, [faults, minute]);

  return (
    <Paper withBorder p="sm" component="section" aria-label="Timeline">
      {rows.map(({ key, label, bars }) => (
        <div key={key} className={classes.lane}>
          <Text size="xs" truncate className={classes.label} title={label}>
            {label}
          </Text>
          <div className={classes.track}>
            {bars.map((bar) => (
              <FaultBar key={bar.fault.id} bar={bar} />
            ))}
          </div>
        </div>
      ))}
      <div className={classes.lane} aria-hidden="true">
        <span className={classes.label} />
        <div className={classes.scale}>
          {scale.map(({ at, left }) => (
            <Box key={at} component="span" className={classes.mark} style={{ left: `${left * 100}%` }}>
              {utc(new Date(at)).slice(5, 16)}Z
            </Box>
          ))}
        </div>
      </div>
    </Paper>
  );
}

function FaultBar({ bar: { fault, start, length } }: { bar: Bar }) {
  const words = `${faultTypes[fault.type]}, ${utc(fault.started_at)}${fault.ended_at ? ` to ${utc(fault.ended_at)}` : ', goes on'}`;
  return (
    <Tooltip label={words}>
      <Link
        to="/faults/$fault"
        params={{ fault: fault.id }}
        className={classes.bar}
        aria-label={words}
        style={{
          left: `${start * 100}%`,
          width: `${length * 100}%`,
          background: `var(--mantine-color-${severities[fault.severity].color}-filled)`,
        }}
      />
    </Tooltip>
  );
}
