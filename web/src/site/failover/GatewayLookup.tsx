import { Badge, Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { sentence } from '../../api/error';
import { Answer, ErrorNote } from '../../ui/notes';
import {
  type GatewayCandidate,
  gatewaySources,
  gatewaysQuery,
  isAdopted,
  reachability,
} from '../router/choices';
import { routerQuery } from '../router/router';

interface Props {
  site: string;
  /** The interface whose gateways are looked up; empty where none is chosen. */
  through: string;
  onPick: (gateway: string) => void;
}

/** Asks the router which gateways an interface may have, and takes the one that is picked. */
export function GatewayLookup({ site, through, onPick }: Props) {
  const [asked, ask] = useState<string>();
  const { data: router } = useQuery(routerQuery(site));
  const isAsked = asked !== undefined && asked === through;
  const gateways = useQuery({ ...gatewaysQuery(site, through), enabled: isAsked });
  if (!isAdopted(router?.state)) return null;
  const lookUp = () => (isAsked ? void gateways.refetch() : ask(through));
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconSearch size={14} aria-hidden />}
          disabled={through === ''}
          loading={gateways.isFetching}
          onClick={lookUp}
        >
          Look up eligible gateways
        </Button>
        {through === '' && (
          <Text size="xs" c="dimmed">
            Choose the interface first.
          </Text>
        )}
      </Group>
      {isAsked && gateways.data && <ErrorNote error={gateways.error} />}
      {isAsked && (
        <Answer of={gateways}>
          {({ items }) => (
            <Candidates
              items={items}
              through={through}
              onPick={(gateway) => {
                onPick(gateway);
                ask(undefined);
              }}
            />
          )}
        </Answer>
      )}
    </Stack>
  );
}

function Candidates({
  items,
  through,
  onPick,
}: {
  items: GatewayCandidate[];
  through: string;
  onPick: (gateway: string) => void;
}) {
  if (items.length === 0) {
    return (
      <Text size="sm" role="status">
        The router knows of no gateway on {through}. Is its cable in, and has the ISP given it an address?
      </Text>
    );
  }
  return (
    <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }} aria-label="Eligible gateways">
      {items.map((candidate) => (
        <Paper key={`${candidate.source} ${candidate.gateway}`} component="li" withBorder p="xs">
          <Group justify="space-between" wrap="nowrap" gap="sm">
            <div>
              <Group gap="xs">
                <Text size="sm" fw={600}>
                  {candidate.gateway}
                </Text>
                <Badge variant="light" color="gray" tt="none">
                  {gatewaySources[candidate.source]}
                </Badge>
                <Text size="sm">{reachability(candidate)}</Text>
              </Group>
              <Text size="xs" c="dimmed">
                {sentence(candidate.reason)}
              </Text>
              {candidate.warnings.map((warning) => (
                <Text key={warning} size="xs" fw={600}>
                  Mind: {warning}
                </Text>
              ))}
            </div>
            <Button
              size="xs"
              variant="light"
              aria-label={`Use ${candidate.gateway}`}
              onClick={() => onPick(candidate.gateway)}
            >
              Use
            </Button>
          </Group>
        </Paper>
      ))}
    </Stack>
  );
}
