import { useElementSize } from '@mantine/hooks';
import { IconCloud, IconDevices, IconRouter, type TablerIcon } from '@tabler/icons-react';
import type { FailoverStatus } from '../../api/types';
import { linkStates } from '../../ui/states';
import { curve, type Diagram, diagram, inWords, type Point, type Way } from './diagram';
import classes from './PathDiagram.module.css';

/** Which way the traffic of a site takes, and which ways it could not take. */
export function PathDiagram({ status }: { status: FailoverStatus }) {
  const { ref, width } = useElementSize();
  const plan = diagram(status.tunnels, Math.max(300, width));
  return (
    <figure className={classes.figure} ref={ref}>
      <svg
        width="100%"
        height={plan.height}
        viewBox={`0 0 ${plan.width} ${plan.height}`}
        role="img"
        aria-label={inWords(status)}
      >
        <path
          className={classes.line}
          d={curve(plan.lan, plan.router)}
          data-active={plan.ways.some((way) => way.isActive)}
        />
        {plan.ways.map((way) => (
          <Lines key={way.tunnel.id} plan={plan} way={way} />
        ))}
        {plan.ways.map((way) => (
          <Isp key={way.tunnel.id} plan={plan} way={way} />
        ))}
        <Place radius={plan.radius} at={plan.lan} icon={IconDevices} label="LAN" />
        <Place radius={plan.radius} at={plan.router} icon={IconRouter} label="Router" />
        <Place radius={plan.radius} at={plan.internet} icon={IconCloud} label="Internet" />
      </svg>
    </figure>
  );
}

function Lines({ plan, way }: { plan: Diagram; way: Way }) {
  const { isp, isActive, isBroken, isIdle } = way;
  const half = plan.ispWidth / 2;
  const beyond = { x: isp.x + half, y: isp.y };
  const marks = { 'data-active': isActive && !isBroken, 'data-broken': isBroken, 'data-idle': isIdle };
  return (
    <g>
      <path className={classes.line} {...marks} d={curve(plan.router, { x: isp.x - half, y: isp.y })} />
      <path className={classes.line} {...marks} d={curve(beyond, plan.internet)} />
      {isBroken && <Cross at={{ x: beyond.x + 14, y: isp.y }} />}
    </g>
  );
}

function Isp({ plan, way }: { plan: Diagram; way: Way }) {
  const { tunnel, isp, isActive } = way;
  const look = linkStates[tunnel.state];
  const Icon = look.icon;
  const left = isp.x - plan.ispWidth / 2;
  const top = isp.y - plan.ispHeight / 2;
  return (
    <g>
      <rect
        className={classes.isp}
        data-active={isActive}
        x={left}
        y={top}
        width={plan.ispWidth}
        height={plan.ispHeight}
        rx={8}
      />
      <svg
        x={left + 8}
        y={isp.y - 9}
        width={18}
        height={18}
        aria-hidden="true"
        style={{ color: `var(--mantine-color-${look.color}-text)` }}
      >
        <Icon size={18} />
      </svg>
      <foreignObject x={left + 32} y={top} width={plan.ispWidth - 38} height={plan.ispHeight}>
        <div className={classes.words}>
          <b>{tunnel.name}</b>
          <span>{isActive && tunnel.state === 'online' ? 'Active' : look.label}</span>
        </div>
      </foreignObject>
    </g>
  );
}

function Place({
  at,
  radius,
  icon: Icon,
  label,
}: {
  at: Point;
  radius: number;
  icon: TablerIcon;
  label: string;
}) {
  return (
    <g>
      <circle className={classes.place} cx={at.x} cy={at.y} r={radius} />
      <Icon x={at.x - radius / 2} y={at.y - radius / 2} width={radius} height={radius} aria-hidden />
      <text className={classes.label} x={at.x} y={at.y + radius + 16}>
        {label}
      </text>
    </g>
  );
}

function Cross({ at }: { at: Point }) {
  return (
    <g className={classes.cross} transform={`translate(${at.x} ${at.y})`}>
      <circle r={10} />
      <path d="M-4 -4 4 4M4 -4 -4 4" />
    </g>
  );
}
