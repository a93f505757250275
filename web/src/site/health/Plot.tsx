import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import classes from './Plot.module.css';
import { type Band, shortestGap } from './series';

export interface PlotProps {
  label: string;
  /** What it shows, in words. */
  summary: string;
  unit: string;
  height: number;
  at: number[];
  values: (number | null)[];
  window: { from: number; to: number };
  gaps: Band[];
  faults: Band[];
  /** Draws below the line, in the pixels of the canvas. */
  below?: (plot: uPlot, color: (name: string) => string) => void;
  /** At least this much of the vertical axis is shown. */
  least: number;
  onZoom: (from: number, to: number) => void;
}

/** Cursors of all plots with one key move together. */
const together = uPlot.sync('health');

/** One plot over time. Drag over it to zoom in. */
export function Plot(props: PlotProps) {
  const { ref, width } = useElementSize();
  const canvas = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const latest = useRef(props);
  latest.current = props;
  const { label, summary, height, at, values, window, gaps, faults } = props;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot is drawn anew when what it shows changes
  useEffect(() => {
    const target = canvas.current;
    if (!target || width === 0) return;
    const plot = new uPlot(options(latest, width), [at, values], target);
    return () => plot.destroy();
  }, [at, values, window.from, window.to, gaps, faults, width, height, scheme]);

  return (
    <figure ref={ref} className={classes.plot} aria-label={`${label}: ${summary}`}>
      <figcaption className={classes.label}>{label}</figcaption>
      <div ref={canvas} className={classes.canvas} style={{ height }} aria-hidden="true" />
    </figure>
  );
}

function options(latest: React.RefObject<PlotProps>, width: number): uPlot.Options {
  const { height, window, unit, least } = latest.current;
  const color = colorsOf(document.documentElement);
  const axis = {
    stroke: color('dimmed'),
    font: '11px system-ui',
    grid: { stroke: color('default-border'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { sync: { key: together.key }, drag: { x: true, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [window.from, window.to] },
      y: { range: (_plot, _low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] },
    },
    axes: [
      { ...axis, size: 22 },
      { ...axis, size: 56, values: (_plot, splits) => splits.map((value) => `${value} ${unit}`) },
    ],
    series: [{}, { stroke: color('blue-text'), width: 1.5, points: { show: false }, gaps: onlyLong(window) }],
    hooks: {
      drawClear: [
        (plot) => {
          fill(plot, latest.current.gaps, color('gray-light'));
          fill(plot, latest.current.faults, color('red-light'));
          latest.current.below?.(plot, color);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide > 5) latest.current.onZoom(plot.posToVal(left, 'x'), plot.posToVal(left + wide, 'x'));
        },
      ],
    },
  };
}

/** Joins the line over what is too short to be a gap. */
function onlyLong({ from, to }: Band): uPlot.Series.GapsRefiner {
  return (plot, _series, _first, _last, found) => {
    const shortest = (shortestGap / (to - from)) * plot.bbox.width;
    return found.filter(([left, right]) => right - left >= shortest);
  };
}

/** The theme's colours, which a canvas cannot look up by itself. */
function colorsOf(element: Element): (name: string) => string {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(`--mantine-color-${name}`);
}

function fill(plot: uPlot, bands: Band[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = color;
  for (const { from, to } of bands) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}
