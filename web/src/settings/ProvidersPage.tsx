import { Badge, Paper, Table, VisuallyHidden } from '@mantine/core';
import { IconRouter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { keys } from '../api/keys';
import { useMay } from '../session/session';
import { TextLink } from '../ui/links';
import { Answer, EmptyState } from '../ui/notes';
import { type Provider, providersOf, tunnelsOf } from './providers';
import { RenameProvider } from './RenameProvider';

/** The providers that tunnels name; there is no other list of them. */
export function ProvidersPage() {
  const providers = useQuery({
    queryKey: [...keys.fleet, 'providers'],
    queryFn: ({ signal }) => tunnelsOf(undefined, signal),
    select: providersOf,
  });
  return (
    <Answer of={providers}>
      {(all) =>
        all.length > 0 ? (
          <List providers={all} />
        ) : (
          <EmptyState icon={IconRouter} title="No providers yet">
            Name the provider in the settings of a WAN tunnel, and it appears here with all its connections.
          </EmptyState>
        )
      }
    </Answer>
  );
}

function List({ providers }: { providers: Provider[] }) {
  const mayRename = useMay('operator');
  return (
    <Paper withBorder style={{ overflow: 'clip' }}>
      <Table aria-label="Providers">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Provider</Table.Th>
            <Table.Th scope="col" ta="right">
              Tunnels
            </Table.Th>
            <Table.Th scope="col" ta="right" visibleFrom="xs">
              Sites
            </Table.Th>
            <Table.Th scope="col" ta="right">
              Up
            </Table.Th>
            <Table.Th scope="col" ta="right">
              Offline
            </Table.Th>
            {mayRename && (
              <Table.Th scope="col">
                <VisuallyHidden>Actions</VisuallyHidden>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody className="tabular">
          {providers.map((provider) => (
            <Table.Tr key={provider.name}>
              <Table.Td>
                <TextLink to="/tunnels" search={{ provider: provider.name }}>
                  {provider.name}
                </TextLink>
              </Table.Td>
              <Table.Td ta="right">{provider.tunnels}</Table.Td>
              <Table.Td ta="right" visibleFrom="xs">
                {provider.sites}
              </Table.Td>
              <Table.Td ta="right">{provider.up}</Table.Td>
              <Table.Td ta="right">
                {provider.offline > 0 ? (
                  <Badge color="red" variant="light">
                    {provider.offline}
                  </Badge>
                ) : (
                  0
                )}
              </Table.Td>
              {mayRename && (
                <Table.Td ta="right">
                  <RenameProvider provider={provider} />
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
