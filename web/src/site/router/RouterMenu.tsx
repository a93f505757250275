import { ActionIcon, Checkbox, Menu, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Schemas } from '../../api/types';
import { useMay } from '../../session/session';
import { Confirm } from '../../ui/Confirm';
import { AccessForm } from './AccessForm';
import { PlanDialog } from './Drift';
import { useReleaseRouter, useSetRepair } from './router';

/** What can be done to a router that was adopted. */
export function RouterMenu({ site, router }: { site: string; router: Schemas['Router'] }) {
  const [planning, plan] = useDisclosure();
  const [releasing, release] = useDisclosure();
  const [reaching, reach] = useDisclosure();
  const repair = useSetRepair(site);
  const mayHandOver = useMay('owner');
  const isAutomatic = router.repair === 'automatic';
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="Actions for the router">
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={plan.open}>Compare with what is configured</Menu.Item>
          <Menu.Item
            role="menuitemcheckbox"
            aria-checked={isAutomatic}
            rightSection={isAutomatic ? '✓' : undefined}
            onClick={() => repair.mutate(isAutomatic ? 'ask' : 'automatic')}
          >
            Repair changes by others by itself
          </Menu.Item>
          {mayHandOver && <Menu.Item onClick={reach.open}>How it is reached</Menu.Item>}
          {mayHandOver && (
            <Menu.Item color="red" onClick={release.open}>
              Release the router
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <PlanDialog site={site} opened={planning} onClose={plan.close} />
      <Modal opened={reaching} onClose={reach.close} title="How the router is reached">
        <AccessForm site={site} now={router.access} onDone={reach.close} />
      </Modal>
      <Release site={site} opened={releasing} onClose={release.close} isAway={router.state === 'away'} />
    </>
  );
}

interface ReleaseProps {
  site: string;
  opened: boolean;
  onClose: () => void;
  isAway: boolean;
}

function Release({ site, opened, onClose, isAway }: ReleaseProps) {
  const navigate = useNavigate();
  const release = useReleaseRouter(site);
  const [force, setForce] = useState(false);
  return (
    <Confirm
      opened={opened}
      title="Release the router?"
      verb="Release the router"
      pending={release.isPending}
      error={release.error}
      onConfirm={() =>
        release.mutate(force, {
          onSuccess: ({ job }) => navigate({ to: '/jobs/$job', params: { job: job.id } }),
        })
      }
      onClose={onClose}
    >
      <Text size="sm" mb="sm">
        Everything of Holdfast is removed from it: tunnels, routes, schedulers, and at last the user by which
        Holdfast logs in. What it had before is put back. The site stays.
      </Text>
      {isAway && (
        <Checkbox
          checked={force}
          onChange={(event) => setForce(event.currentTarget.checked)}
          label="Forget it even if it cannot be reached"
          description="What is on the router stays there, and you have to remove it by hand."
        />
      )}
    </Confirm>
  );
}
