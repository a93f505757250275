import { Button, Checkbox, Group, NumberInput, PasswordInput, Radio, Stack, TextInput } from '@mantine/core';
import type { Schemas } from '../../api/types';
import { useApiForm } from '../../ui/form';
import { ErrorNote } from '../../ui/notes';
import { useSetAccess } from './router';

const fields = ['address', 'port', 'user', 'password', 'fingerprint'];

const initial = {
  kind: 'tunnel' as Schemas['RouterAccess'],
  address: '',
  port: 8729,
  tls: true,
  user: 'holdfast',
  password: '',
  fingerprint: '',
};

interface Props {
  site: string;
  /** How it is reached until now. */
  now: Schemas['RouterAccess'];
  onDone: () => void;
}

/** Through its own tunnels, as it was adopted, or at an address. */
export function AccessForm({ site, now, onDone }: Props) {
  const access = useSetAccess(site);
  const form = useApiForm({ ...initial, kind: now }, access.error);
  const isDirect = form.values.kind === 'direct';
  return (
    <form onSubmit={form.onSubmit((values) => access.mutate(wish(values), { onSuccess: onDone }))}>
      <Stack gap="md">
        <Radio.Group label="Way" {...form.getInputProps('kind')}>
          <Stack gap="xs" mt="xs">
            <Radio
              value="tunnel"
              label="Through its tunnels"
              description="Needs no open port on the router"
            />
            <Radio
              value="direct"
              label="At an address of its own"
              description="For routers that this server reaches by itself"
            />
          </Stack>
        </Radio.Group>
        {isDirect && (
          <>
            <Group grow align="flex-start">
              <TextInput
                label="Address"
                required
                placeholder="192.0.2.10"
                {...form.getInputProps('address')}
              />
              <NumberInput
                label="Port"
                required
                min={1}
                max={65535}
                allowDecimal={false}
                {...form.getInputProps('port')}
              />
            </Group>
            <Checkbox label="Encrypted (api-ssl)" {...form.getInputProps('tls', { type: 'checkbox' })} />
            <TextInput
              label="Fingerprint of its certificate"
              description="SHA-256; left empty, Holdfast's own authority must have signed it"
              {...form.getInputProps('fingerprint')}
            />
            <TextInput label="User" required autoComplete="off" {...form.getInputProps('user')} />
            <PasswordInput
              label="Password"
              required
              autoComplete="new-password"
              visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
              {...form.getInputProps('password')}
            />
          </>
        )}
        <ErrorNote error={access.error} shown={isDirect ? fields : []} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={access.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function wish({ kind, fingerprint, ...direct }: typeof initial): Schemas['SetAccess'] {
  if (kind === 'tunnel') return { kind: 'tunnel' };
  return { kind: 'direct', ...direct, ...(fingerprint && { fingerprint }) };
}
