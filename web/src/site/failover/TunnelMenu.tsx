import { ActionIcon, Menu, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconSettings } from '@tabler/icons-react';
import type { Tunnel } from '../../api/types';
import { Confirm } from '../../ui/Confirm';
import { OverrideForm } from './OverrideForm';
import { TunnelSettings } from './TunnelSettings';
import { useReleaseOverride, useRemoveTunnel } from './tunnels';

/** What can be done to one tunnel. */
export function TunnelMenu({ tunnel }: { tunnel: Tunnel }) {
  const [setting, set] = useDisclosure();
  const [forcing, force] = useDisclosure();
  const [removing, remove] = useDisclosure();
  const removal = useRemoveTunnel(tunnel);
  const release = useReleaseOverride(tunnel);
  return (
    <>
      <ActionIcon variant="default" onClick={set.open} aria-label={`Settings of ${tunnel.name}`}>
        <IconSettings size={16} aria-hidden />
      </ActionIcon>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" aria-label={`Actions for ${tunnel.name}`}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={force.open}>Prefer, avoid or switch off</Menu.Item>
          {tunnel.override && <Menu.Item onClick={() => release.mutate()}>End the override</Menu.Item>}
          <Menu.Item
            component="a"
            href={`/api/v1/tunnels/${tunnel.id}/profile`}
            download={`${tunnel.name}.ovpn`}
          >
            Download the OpenVPN profile
          </Menu.Item>
          <Menu.Item color="red" onClick={remove.open}>
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={setting} onClose={set.close} title={`Settings of ${tunnel.name}`} size="lg">
        <TunnelSettings tunnel={tunnel} onDone={set.close} />
      </Modal>
      <Modal opened={forcing} onClose={force.close} title={`Override the priority of ${tunnel.name}`}>
        <OverrideForm tunnel={tunnel} onDone={force.close} />
      </Modal>
      <Confirm
        opened={removing}
        title={`Remove ${tunnel.name}?`}
        verb="Remove the tunnel"
        pending={removal.isPending}
        error={removal.error}
        onConfirm={() => removal.mutate(undefined, { onSuccess: remove.close })}
        onClose={remove.close}
      >
        It is disconnected, and its password and measurements are removed for good. Its history and its faults
        stay. A site with failover keeps at least two tunnels.
      </Confirm>
    </>
  );
}
