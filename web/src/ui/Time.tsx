import { Tooltip } from '@mantine/core';
import { useClock } from './clock';
import { local, relative, utc } from './time';

/** An instant in UTC; its local time on hover or focus. */
export function Time({ at }: { at: string }) {
  return (
    <Tooltip label={local(at)} events={{ hover: true, focus: true, touch: true }}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {utc(at)}
      </time>
    </Tooltip>
  );
}

/** How long ago an instant is; itself, in UTC and in local time, on hover or focus. */
export function Ago({ at }: { at: string }) {
  const text = useClock((now) => relative(at, now));
  return (
    <Tooltip label={`${utc(at)} · ${local(at)}`} events={{ hover: true, focus: true, touch: true }}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {text}
      </time>
    </Tooltip>
  );
}
