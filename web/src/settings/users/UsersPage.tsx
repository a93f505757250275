import { Badge, Button, Group, Paper, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { User } from '../../api/types';
import { useMay } from '../../session/session';
import { Answer } from '../../ui/notes';
import { wordsOf } from '../../ui/search';
import { Time } from '../../ui/Time';
import { roles, rolesExplained } from '../roles';
import { EditUser } from './EditUser';
import { NewUser } from './NewUser';
import { usersQuery } from './users';

export function UsersPage() {
  const users = useQuery(usersQuery);
  const mayManage = useMay('owner');
  const [adding, { open, close }] = useDisclosure();
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Text c="dimmed" size="sm" maw="70ch">
          {wordsOf(roles)
            .map((role) => `${roles[role]}: ${rolesExplained[role]}`)
            .join(' · ')}
        </Text>
        {mayManage && (
          <Button onClick={open} leftSection={<IconPlus size={16} aria-hidden />}>
            New user
          </Button>
        )}
      </Group>
      <Answer of={users}>
        {(all) => (
          <Paper withBorder style={{ overflow: 'clip' }}>
            <Table aria-label="Users">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">Name</Table.Th>
                  <Table.Th scope="col">Role</Table.Th>
                  <Table.Th scope="col" visibleFrom="sm">
                    Since
                  </Table.Th>
                  {mayManage && (
                    <Table.Th scope="col">
                      <VisuallyHidden>Actions</VisuallyHidden>
                    </Table.Th>
                  )}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {all.map((user) => (
                  <Row key={user.id} user={user} mayManage={mayManage} />
                ))}
              </Table.Tbody>
            </Table>
          </Paper>
        )}
      </Answer>
      <NewUser opened={adding} onClose={close} />
    </Stack>
  );
}

function Row({ user, mayManage }: { user: User; mayManage: boolean }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={600}>
          {user.name}
        </Text>
        <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          {user.email}
        </Text>
      </Table.Td>
      <Table.Td>
        <Group gap="xs">
          {roles[user.role]}
          {user.disabled_at && (
            <Badge color="gray" variant="light" tt="none">
              Disabled
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Time at={user.created_at} />
      </Table.Td>
      {mayManage && (
        <Table.Td ta="right">
          <EditUser user={user} />
        </Table.Td>
      )}
    </Table.Tr>
  );
}
