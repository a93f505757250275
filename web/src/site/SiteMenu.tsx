import { ActionIcon, Menu, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import type { Site } from '../api/types';
import { useMay } from '../session/session';
import { SiteForm } from '../sites/SiteForm';
import { useChangeSite, useRemoveSite } from '../sites/sites';
import { Confirm } from '../ui/Confirm';
import { MenuItemLink } from '../ui/links';

/** What can be done to a site as a whole. */
export function SiteMenu({ site }: { site: Site }) {
  const mayChange = useMay('operator');
  const [editing, edit] = useDisclosure();
  const [removing, remove] = useDisclosure();
  const navigate = useNavigate();
  const removal = useRemoveSite(site.id);
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label={`Actions for ${site.name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <MenuItemLink to="/faults" search={{ site: site.id }}>
            Faults of this site
          </MenuItemLink>
          <MenuItemLink to="/jobs" search={{ site: site.id }}>
            Jobs of this site
          </MenuItemLink>
          {mayChange && <Menu.Item onClick={edit.open}>Change name, note and hold</Menu.Item>}
          {mayChange && (
            <Menu.Item color="red" onClick={remove.open}>
              Remove the site
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={editing} onClose={edit.close} title={`Change ${site.name}`}>
        <Edit site={site} onDone={edit.close} />
      </Modal>
      <Confirm
        opened={removing}
        title={`Remove ${site.name}?`}
        verb="Remove the site"
        pending={removal.isPending}
        error={removal.error}
        onConfirm={() => removal.mutate(undefined, { onSuccess: () => navigate({ to: '/sites' }) })}
        onClose={remove.close}
      >
        <Text size="sm">
          {site.failover_enabled
            ? 'Deactivate failover first: that takes everything of ours off the router. A site with failover cannot be removed.'
            : 'Its history and its faults are removed with it, for good.'}
        </Text>
      </Confirm>
    </>
  );
}

function Edit({ site, onDone }: { site: Site; onDone: () => void }) {
  const change = useChangeSite(site.id);
  return (
    <SiteForm
      initial={{ name: site.name, note: site.note, hold_s: site.hold_s }}
      verb="Save"
      pending={change.isPending}
      error={change.error}
      onCancel={onDone}
      onSubmit={(values) => change.mutate(values, { onSuccess: onDone })}
    />
  );
}
