import {
  Accordion,
  Button,
  Checkbox,
  Group,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { Tunnel } from '../../api/types';
import { useApiForm } from '../../ui/form';
import { ErrorNote } from '../../ui/notes';
import { connectionTypes, options } from '../../ui/states';
import { SessionFields, TargetFields } from './AdvancedFields';
import { GatewayLookup } from './GatewayLookup';
import { InterfaceField } from './InterfaceField';
import { changeOf, type SettingsValues, settingsFields, usuallyMetered, valuesOf, volume } from './settings';
import { useConfigureTunnel } from './tunnels';

/** Everything that can be set of one tunnel. */
export function TunnelSettings({ tunnel, onDone }: { tunnel: Tunnel; onDone: () => void }) {
  const configure = useConfigureTunnel(tunnel);
  const form = useApiForm<SettingsValues>(valuesOf(tunnel), configure.error);
  const submit = form.onSubmit((values) => configure.mutate(changeOf(tunnel, values), { onSuccess: onDone }));
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Connection tunnel={tunnel} form={form} />
        <Text size="sm" c="dimmed">
          Probing with these settings costs about {volume(tunnel.probing.active_bytes_per_month)} a month
          while it carries the traffic, and {volume(tunnel.probing.standby_bytes_per_month)} while it waits.
        </Text>
        <Accordion variant="contained" multiple order={3}>
          <Accordion.Item value="targets">
            <Accordion.Control>Probing and targets</Accordion.Control>
            <Accordion.Panel>
              <TargetFields form={form} />
            </Accordion.Panel>
          </Accordion.Item>
          <Accordion.Item value="sessions">
            <Accordion.Control>Live connections on a switch</Accordion.Control>
            <Accordion.Panel>
              <SessionFields form={form} />
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        <Switch
          label="Enabled"
          description="Off: it may not connect, and carries nothing"
          {...form.getInputProps('enabled', { type: 'checkbox' })}
        />
        <ErrorNote error={configure.error} shown={settingsFields} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={configure.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export type SettingsForm = UseFormReturnType<SettingsValues>;

function Connection({ tunnel, form }: { tunnel: Tunnel; form: SettingsForm }) {
  const { onChange, ...type } = form.getInputProps('connection_type');
  return (
    <>
      <TextInput label="Name" required maxLength={100} data-autofocus {...form.getInputProps('name')} />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <InterfaceField tunnel={tunnel} form={form} />
        <TextInput
          label="Gateway"
          description="The ISP's router, as yours sees it"
          placeholder="192.0.2.1"
          {...form.getInputProps('gateway')}
        />
      </SimpleGrid>
      <GatewayLookup
        site={tunnel.site_id}
        through={form.values.interface.trim()}
        onPick={(gateway) => form.setFieldValue('gateway', gateway)}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select
          label="Connection type"
          description="Decides how often it is probed"
          placeholder="Choose one"
          data={options(connectionTypes)}
          {...type}
          onChange={(value) => {
            onChange(value);
            const picked = options(connectionTypes).find((option) => option.value === value);
            form.setFieldValue('metered', usuallyMetered(picked?.value ?? null));
          }}
        />
        <TextInput label="Provider" description="The ISP's name" {...form.getInputProps('provider')} />
      </SimpleGrid>
      <Checkbox
        label="Metered"
        description="Its traffic costs money: it is probed less, and left as soon as possible"
        {...form.getInputProps('metered', { type: 'checkbox' })}
      />
    </>
  );
}
