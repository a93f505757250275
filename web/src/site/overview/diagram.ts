import type { FailoverStatus, LinkState, TunnelStatus } from '../../api/types';
import { linkStates } from '../../ui/states';

export interface Point {
  x: number;
  y: number;
}

/** One way from the router to the internet. */
export interface Way {
  tunnel: TunnelStatus;
  /** Where its ISP's box is: the middle of it. */
  isp: Point;
  /** It carries the traffic now. */
  isActive: boolean;
  /** Nothing gets through beyond the ISP's box. */
  isBroken: boolean;
  /** It is not to be used: switched off, or not configured. */
  isIdle: boolean;
}

/** Where everything is, in pixels. */
export interface Diagram {
  width: number;
  height: number;
  lan: Point;
  router: Point;
  internet: Point;
  ispWidth: number;
  ispHeight: number;
  /** Radius of the circles of LAN, router and internet. */
  radius: number;
  ways: Way[];
}

const rowHeight = 64;
const leastHeight = 150;
/** Narrower than this, everything is drawn smaller. */
const narrow = 480;

const broken: readonly LinkState[] = ['offline'];
const idle: readonly LinkState[] = ['off', 'unconfigured', 'never-seen'];

/** Lays the site out from left to right: LAN, router, a row for each ISP, internet. */
export function diagram(tunnels: readonly TunnelStatus[], width: number): Diagram {
  const height = Math.max(leastHeight, tunnels.length * rowHeight + 24);
  const middle = height / 2;
  const first = middle - ((tunnels.length - 1) * rowHeight) / 2;
  const radius = width < narrow ? 18 : 24;
  const margin = radius + 10;
  const ispWidth = Math.min(220, width * 0.36);
  return {
    width,
    height,
    lan: { x: margin, y: middle },
    router: { x: margin + (width - 2 * margin) * 0.24, y: middle },
    internet: { x: width - margin, y: middle },
    ispWidth,
    ispHeight: 44,
    radius,
    ways: tunnels.map((tunnel, index) => ({
      tunnel,
      isp: { x: width * 0.58, y: first + index * rowHeight },
      isActive: tunnel.role === 'active',
      isBroken: broken.includes(tunnel.state),
      isIdle: idle.includes(tunnel.state),
    })),
  };
}

/** The same in words: for who listens to the page, and for its title. */
export function inWords({ enabled, tunnels }: FailoverStatus): string {
  if (!enabled) return 'Failover is off: the router sends traffic as it did before.';
  const active = tunnels.find(({ role }) => role === 'active');
  const way = active
    ? `Traffic leaves through ${active.name}${active.rank > 0 ? `, which is number ${active.rank + 1} in the order` : ''}.`
    : 'No tunnel carries traffic now.';
  const others = tunnels
    .filter((tunnel) => tunnel !== active)
    .map((tunnel) => `${tunnel.name} is ${linkStates[tunnel.state].label.toLowerCase()}: ${tunnel.cause}.`);
  return [way, ...others].join(' ');
}

/** A curve from one point to another that leaves and arrives level. */
export function curve(from: Point, to: Point): string {
  const bend = (to.x - from.x) / 2;
  return `M${from.x} ${from.y} C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}
