import { Button, Group, Paper, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '../../api/types';
import { useMay } from '../../session/session';
import { Confirm } from '../../ui/Confirm';
import { Answer, EmptyState } from '../../ui/notes';
import { Ago } from '../../ui/Time';
import { roles } from '../roles';
import { NewToken } from './NewToken';
import { tokensQuery, useRevokeToken } from './tokens';

type Token = Schemas['Token'];

export function TokensPage() {
  const tokens = useQuery(tokensQuery);
  const mayManage = useMay('owner');
  const [adding, { open, close }] = useDisclosure();
  const add = mayManage && (
    <Button onClick={open} leftSection={<IconPlus size={16} aria-hidden />}>
      New token
    </Button>
  );
  return (
    <Stack gap="md">
      <Answer of={tokens}>
        {(all) =>
          all.length > 0 ? (
            <>
              <Group justify="flex-end">{add}</Group>
              <List tokens={all} mayManage={mayManage} />
            </>
          ) : (
            <EmptyState icon={IconKey} title="No API tokens" action={add}>
              Programs use a token where people use a password. Whatever this dashboard shows and does, a
              program can read and do through the same API.
            </EmptyState>
          )
        }
      </Answer>
      <NewToken opened={adding} onClose={close} />
    </Stack>
  );
}

function List({ tokens, mayManage }: { tokens: Token[]; mayManage: boolean }) {
  return (
    <Paper withBorder style={{ overflow: 'clip' }}>
      <Table aria-label="API tokens">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">Name</Table.Th>
            <Table.Th scope="col">Role</Table.Th>
            <Table.Th scope="col" visibleFrom="sm">
              Last used
            </Table.Th>
            <Table.Th scope="col" visibleFrom="sm">
              Expires
            </Table.Th>
            {mayManage && (
              <Table.Th scope="col">
                <VisuallyHidden>Actions</VisuallyHidden>
              </Table.Th>
            )}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tokens.map((token) => (
            <Table.Tr key={token.id}>
              <Table.Td>{token.name}</Table.Td>
              <Table.Td>{roles[token.role]}</Table.Td>
              <Table.Td visibleFrom="sm">
                {token.last_used_at ? <Ago at={token.last_used_at} /> : 'Never'}
              </Table.Td>
              <Table.Td visibleFrom="sm">
                {token.expires_at ? <Ago at={token.expires_at} /> : 'Never'}
              </Table.Td>
              {mayManage && (
                <Table.Td ta="right">
                  <Revoke token={token} />
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function Revoke({ token }: { token: Token }) {
  const [opened, { open, close }] = useDisclosure();
  const revoke = useRevokeToken(token.id);
  return (
    <>
      <Button size="xs" variant="subtle" color="red" onClick={open} aria-label={`Revoke ${token.name}`}>
        Revoke
      </Button>
      <Confirm
        opened={opened}
        title={`Revoke ${token.name}?`}
        verb="Revoke"
        pending={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoke.mutate(undefined, { onSuccess: close })}
        onClose={close}
      >
        <Text size="sm">Whatever uses it is refused from now on. It cannot be brought back.</Text>
      </Confirm>
    </>
  );
}
