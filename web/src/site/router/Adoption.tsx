import { Alert, Button, List, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/types';
import { useMay } from '../../session/session';
import { CopyLine } from '../../ui/copy';
import { ErrorNote } from '../../ui/notes';
import { Steps } from '../../ui/Steps';
import { Ago } from '../../ui/Time';
import { adoptionQuery, useBeginAdoption } from './router';

/** From a router that we know nothing of to one that is configured: a line to paste, and how far it is. */
export function Adoption({ site, isPending }: { site: string; isPending: boolean }) {
  const begin = useBeginAdoption(site);
  const mayChange = useMay('operator');
  return (
    <Stack gap="md">
      {begin.data ? <Paste adoption={begin.data} /> : <Explained isPending={isPending} />}
      {(isPending || begin.data) && <Progress site={site} />}
      <ErrorNote error={begin.error} />
      {mayChange && !begin.data && (
        <Button
          onClick={() => begin.mutate()}
          loading={begin.isPending}
          variant={isPending ? 'default' : 'filled'}
        >
          {isPending ? 'Make a new line' : 'Adopt the router'}
        </Button>
      )}
    </Stack>
  );
}

function Explained({ isPending }: { isPending: boolean }) {
  if (isPending) {
    return (
      <Text size="sm" c="dimmed">
        The adoption has begun. The line to paste is shown only once; make a new one if it is lost, which ends
        the old.
      </Text>
    );
  }
  return (
    <Text size="sm" c="dimmed" component="div">
      Paste one line into the terminal of the site's MikroTik, and Holdfast does the rest:
      <List size="sm" mt="xs">
        <List.Item>it makes a user for Holdfast and one tunnel to manage the router by,</List.Item>
        <List.Item>reads its interfaces and gateways, so that you pick instead of type,</List.Item>
        <List.Item>changes nothing else until you confirm a configuration.</List.Item>
      </List>
      <Text size="sm" mt="xs">
        Another router? Skip this, and download the profile of each WAN tunnel for its OpenVPN client.
      </Text>
    </Text>
  );
}

function Paste({ adoption }: { adoption: Schemas['Adoption'] }) {
  return (
    <Stack gap="xs">
      <Text size="sm">Paste this into a terminal of the router (WinBox, SSH or the console):</Text>
      <CopyLine text={adoption.command} label="The line to paste" />
      <Text size="xs" c="dimmed">
        Works once, ends <Ago at={adoption.expires_at} />. Keep it to yourself: whoever pastes it first has
        the place.
      </Text>
    </Stack>
  );
}

function Progress({ site }: { site: string }) {
  const adoption = useQuery(adoptionQuery(site));
  if (adoption.error) return <ErrorNote error={adoption.error} />;
  if (!adoption.data) return null;
  const failed = adoption.data.steps.find(({ state }) => state === 'failed');
  return (
    <Stack gap="sm">
      <Steps steps={adoption.data.steps} />
      {failed && (
        <Alert color="red" title={failed.title}>
          {failed.detail}
        </Alert>
      )}
    </Stack>
  );
}
