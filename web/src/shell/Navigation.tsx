import { ScrollArea, Stack } from '@mantine/core';
import { IconAlertTriangle, IconBuilding, IconListCheck, IconRoute, IconSettings } from '@tabler/icons-react';
import { MenuLink } from '../ui/links';

const icon = { size: 18, 'aria-hidden': true } as const;

export function Navigation() {
  return (
    <ScrollArea>
      <Stack gap={4}>
        <MenuLink to="/sites" label="Sites" leftSection={<IconBuilding {...icon} />} />
        <MenuLink to="/tunnels" label="WAN tunnels" leftSection={<IconRoute {...icon} />} />
        <MenuLink to="/faults" label="Faults" leftSection={<IconAlertTriangle {...icon} />} />
        <MenuLink to="/jobs" label="Jobs" leftSection={<IconListCheck {...icon} />} />
        <MenuLink to="/settings" label="Settings" leftSection={<IconSettings {...icon} />} />
      </Stack>
    </ScrollArea>
  );
}
