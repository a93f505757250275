import { Button, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { Confirm } from '../../ui/Confirm';
import { ErrorNote } from '../../ui/notes';
import { useAnnounceDeactivation, useDeactivate } from './tunnels';

/** Takes failover away, after showing what goes with it. */
export function Deactivate({ site }: { site: string }) {
  const navigate = useNavigate();
  const announce = useAnnounceDeactivation(site);
  const deactivate = useDeactivate(site);
  const close = () => {
    announce.reset();
    deactivate.reset();
  };
  return (
    <>
      <Button variant="subtle" color="red" loading={announce.isPending} onClick={() => announce.mutate()}>
        Deactivate failover
      </Button>
      <ErrorNote error={announce.error} />
      {announce.data && (
        <Confirm
          opened
          title="Deactivate failover?"
          verb="Deactivate failover"
          pending={deactivate.isPending}
          error={deactivate.error}
          onConfirm={() =>
            deactivate.mutate(announce.data.confirmation, {
              onSuccess: ({ job }) => navigate({ to: '/jobs/$job', params: { job: job.id } }),
            })
          }
          onClose={close}
        >
          <Text size="sm">These are disconnected and removed, with their passwords and measurements:</Text>
          <ul>
            {announce.data.tunnels.map((tunnel) => (
              <li key={tunnel.id}>
                {[tunnel.name, tunnel.provider, tunnel.interface].filter(Boolean).join(', ')}
              </li>
            ))}
          </ul>
          <Text size="sm">
            The site stays, and so do its history and its faults. Traffic then flows as without Holdfast.
          </Text>
        </Confirm>
      )}
    </>
  );
}
