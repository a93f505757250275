import { Group, VisuallyHidden } from '@mantine/core';
import type { Site } from '../api/types';
import { linkStates } from '../ui/states';

/** The tunnels of a site in their order, one icon each; the active one is framed. */
export function LinkDots({ tunnels }: { tunnels: Site['status']['tunnels'] }) {
  return (
    <Group gap={4} component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      {tunnels.map((tunnel) => {
        const { icon: Icon, color, label } = linkStates[tunnel.state];
        const words = `${tunnel.name}: ${label}${tunnel.role === 'active' ? ', active' : ''}`;
        return (
          // The browser's own tooltip: there are thousands of these.
          <li
            key={tunnel.id}
            title={words}
            style={{
              display: 'flex',
              borderRadius: 99,
              color: `var(--mantine-color-${color}-text)`,
              outline: tunnel.role === 'active' ? '2px solid currentColor' : undefined,
              outlineOffset: 1,
            }}
          >
            <Icon size={18} aria-hidden />
            <VisuallyHidden>{words}</VisuallyHidden>
          </li>
        );
      })}
    </Group>
  );
}
