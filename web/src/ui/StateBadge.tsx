import { Badge, type BadgeProps } from '@mantine/core';
import type { Look } from './states';

/** A state as colour, icon and word. */
export function StateBadge({ look, ...props }: { look: Look } & BadgeProps) {
  const Icon = look.icon;
  return (
    <Badge
      color={look.color}
      variant="light"
      tt="none"
      leftSection={<Icon size={14} aria-hidden />}
      style={{ flexShrink: 0 }}
      {...props}
    >
      {look.label}
    </Badge>
  );
}
