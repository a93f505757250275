import { Badge, Group, Stack, Text, Tooltip } from '@mantine/core';
import { sentence } from '../../api/error';
import type { Tunnel, TunnelStatus } from '../../api/types';
import { StateBadge } from '../../ui/StateBadge';
import { connectionTypes, linkStates } from '../../ui/states';
import { Ago } from '../../ui/Time';
import { utc } from '../../ui/time';
import { Numbers } from './Numbers';
import { StateStrip } from './StateStrip';

const overrides = { prefer: 'Preferred', avoid: 'Avoided', off: 'Switched off' } as const;

/** One tunnel in the order: how it is and why, and what it measures. */
export function TunnelCard({ status, settings }: { status: TunnelStatus; settings: Tunnel | undefined }) {
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Text fw={600}>{status.name}</Text>
        <StateBadge look={linkStates[status.state]} />
        {status.role === 'active' && (
          <Badge variant="outline" color="teal" tt="none">
            Active
          </Badge>
        )}
        {settings?.override && (
          <Tooltip label={`${settings.override.reason} (${settings.override.by})`}>
            <Badge variant="light" color="orange" tt="none" tabIndex={0}>
              {overrides[settings.override.kind]}
              {settings.override.expires_at && ` until ${utc(settings.override.expires_at)}`}
            </Badge>
          </Tooltip>
        )}
        {settings?.metered && (
          <Badge variant="light" color="yellow" tt="none">
            Metered
          </Badge>
        )}
      </Group>
      <Text size="sm">
        {sentence(status.cause)}{' '}
        <Text span size="sm" c="dimmed">
          <Ago at={status.since} />
        </Text>
      </Text>
      {settings && (
        <Text size="xs" c="dimmed">
          {[
            settings.provider,
            settings.connection_type && connectionTypes[settings.connection_type],
            settings.interface,
            settings.gateway,
          ]
            .filter(Boolean)
            .join(' · ')}
        </Text>
      )}
      <Numbers tunnel={status.id} />
      <StateStrip tunnel={status.id} />
    </Stack>
  );
}
