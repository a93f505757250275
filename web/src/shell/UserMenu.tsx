import { Avatar, Menu, Text, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconKey, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react';
import { useLogOut, useMe } from '../session/session';
import { MenuItemLink } from '../ui/links';

const icon = { size: 16, 'aria-hidden': true } as const;

export function UserMenu() {
  const me = useMe();
  const logOut = useLogOut();
  const { colorScheme, setColorScheme } = useMantineColorScheme();

  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <UnstyledButton aria-label={`Your account: ${me.actor.name}`}>
          <Avatar radius="xl" size={34} color="cyan" aria-hidden>
            <IconUser size={20} />
          </Avatar>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Text size="sm" truncate>
            {me.actor.name}
          </Text>
          {me.role}
        </Menu.Label>
        <Menu.Divider />
        {(
          [
            ['auto', 'As the system', IconDeviceDesktop],
            ['light', 'Light', IconSun],
            ['dark', 'Dark', IconMoon],
          ] as const
        ).map(([scheme, label, Icon]) => (
          <Menu.Item
            key={scheme}
            leftSection={<Icon {...icon} />}
            onClick={() => setColorScheme(scheme)}
            role="menuitemradio"
            aria-checked={colorScheme === scheme}
            rightSection={colorScheme === scheme ? '✓' : undefined}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <MenuItemLink leftSection={<IconKey {...icon} />} to="/settings/account">
          Your account
        </MenuItemLink>
        <Menu.Item leftSection={<IconLogout {...icon} />} onClick={() => logOut.mutate()}>
          Log out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
