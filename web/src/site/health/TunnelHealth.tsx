import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import type uPlot from 'uplot';
import type { Fault, TunnelStatus } from '../../api/types';
import { StateBadge } from '../../ui/StateBadge';
import { linkStates } from '../../ui/states';
import { Plot } from './Plot';
import { type Band, gaps, lossColor, type Series, seconds, summary } from './series';
import { hasTraffic, megabits, trafficInWords } from './traffic';

interface Props {
  tunnel: TunnelStatus;
  series: Series;
  faults: Fault[];
  window: Band;
  onZoom: (from: number, to: number) => void;
}

/** What one tunnel measured: latency with the spread around it, jitter, loss and throughput on one time axis. */
export function TunnelHealth({ tunnel, series, faults, window, onZoom }: Props) {
  const at = useMemo(() => seconds(series), [series]);
  const words = summary(series);
  const bands = useMemo(() => faultBands(faults, window), [faults, window]);
  const missing = useMemo(() => gaps(series), [series]);
  const received = useMemo(() => megabits(series.rx_bits_per_s), [series]);
  const sent = useMemo(() => megabits(series.tx_bits_per_s), [series]);
  const shared = { at, window, gaps: missing, faults: bands, summary: words, onZoom };
  return (
    <Paper withBorder p="md" component="section" aria-label={tunnel.name}>
      <Stack gap="xs">
        <Group gap="xs">
          <Title order={2} size="h5">
            {tunnel.name}
          </Title>
          <StateBadge look={linkStates[tunnel.state]} />
          <Text size="xs" c="dimmed">
            {words}
          </Text>
        </Group>
        <Plot
          {...shared}
          label="Latency, and its spread coloured by loss"
          unit="ms"
          height={150}
          least={10}
          values={series.rtt_avg_ms}
          below={(plot, color) => smoke(plot, at, series, color)}
        />
        <Plot {...shared} label="Jitter" unit="ms" height={84} least={5} values={series.jitter_ms} />
        <Plot {...shared} label="Loss" unit="%" height={84} least={5} values={series.loss_percent} />
        {hasTraffic(series) && (
          <>
            <Plot
              {...shared}
              label="Received"
              summary={trafficInWords(series.rx_bits_per_s)}
              unit="Mbit/s"
              height={84}
              least={1}
              values={received}
            />
            <Plot
              {...shared}
              label="Sent"
              summary={trafficInWords(series.tx_bits_per_s)}
              unit="Mbit/s"
              height={84}
              least={1}
              values={sent}
            />
          </>
        )}
      </Stack>
    </Paper>
  );
}

function faultBands(faults: Fault[], { to }: Band): Band[] {
  return faults.map(({ started_at, ended_at }) => ({
    from: Date.parse(started_at) / 1000,
    to: ended_at ? Date.parse(ended_at) / 1000 : to,
  }));
}

/** From the fastest answer to the slowest, the redder the more was lost. */
function smoke(plot: uPlot, at: number[], series: Series, color: (name: string) => string): void {
  const { ctx } = plot;
  ctx.save();
  for (const [index, from] of at.entries()) {
    const low = series.rtt_min_ms[index];
    const high = series.rtt_max_ms[index];
    if (low === null || low === undefined || high === null || high === undefined) continue;
    const left = plot.valToPos(from, 'x', true);
    const right = plot.valToPos(at[index + 1] ?? from + series.step_s, 'x', true);
    const top = plot.valToPos(high, 'y', true);
    const bottom = plot.valToPos(low, 'y', true);
    ctx.globalAlpha = 0.45;
    ctx.fillStyle = color(`${lossColor(series.loss_percent[index])}-filled`);
    ctx.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
  }
  ctx.restore();
}
