import { ActionIcon, Autocomplete, Text } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { generalError } from '../../api/error';
import type { Tunnel } from '../../api/types';
import {
  interfaceInWords,
  interfacesQuery,
  isAdopted,
  offered,
  type RouterInterface,
} from '../router/choices';
import { routerQuery } from '../router/router';
import type { SettingsForm } from './TunnelSettings';
import { siteTunnelsQuery } from './tunnels';

/** The interface towards the ISP: picked from those of the router, or typed where it cannot be asked. */
export function InterfaceField({ tunnel, form }: { tunnel: Tunnel; form: SettingsForm }) {
  const site = tunnel.site_id;
  const { data: router } = useQuery(routerQuery(site));
  const { data: tunnels = [] } = useQuery(siteTunnelsQuery(site));
  const mayAsk = isAdopted(router?.state);
  const interfaces = useQuery({ ...interfacesQuery(site), enabled: mayAsk });
  const found = interfaces.data?.items ?? [];
  const users = new Map(tunnels.map(({ id, name }) => [id, id === tunnel.id ? 'this tunnel' : name]));
  const picked = found.find(({ name }) => name === form.values.interface.trim());
  const why = interfaces.error ? generalError(interfaces.error) : picked?.reason;
  return (
    <div>
      <Autocomplete
        label="Interface"
        description="Of the router, towards this ISP"
        placeholder="ether1"
        data={found.map(choice)}
        filter={({ search }) => offered(found, search).map(choice)}
        renderOption={({ option }) => {
          const one = found.find(({ name }) => name === option.value);
          return (
            <div>
              <Text size="sm">{option.value}</Text>
              {one && <Text size="xs">{interfaceInWords(one, users)}</Text>}
              {one?.reason && <Text size="xs">{one.reason}</Text>}
            </div>
          );
        }}
        rightSectionPointerEvents="all"
        rightSection={
          mayAsk && (
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Read the interfaces again"
              loading={interfaces.isFetching}
              onClick={() => void interfaces.refetch()}
            >
              <IconRefresh size={16} aria-hidden />
            </ActionIcon>
          )
        }
        {...form.getInputProps('interface')}
      />
      <Text size="xs" c="dimmed" mt={4} aria-live="polite">
        {router && !mayAsk ? 'Interfaces are listed here once the router is adopted.' : why}
      </Text>
    </div>
  );
}

function choice({ name, can_be_wan }: RouterInterface) {
  return { value: name, label: name, disabled: !can_be_wan };
}
