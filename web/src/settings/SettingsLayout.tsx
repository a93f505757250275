import { Tabs } from '@mantine/core';
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { Page } from '../ui/Page';

const tabs = [
  ['/settings/account', 'Your account'],
  ['/settings/organization', 'Organization'],
  ['/settings/users', 'Users'],
  ['/settings/tokens', 'API tokens'],
  ['/settings/providers', 'Providers'],
  ['/settings/audit', 'Audit log'],
] as const;

export function SettingsLayout() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const at = tabs.find(([address]) => address === path) ?? tabs[0];
  return (
    <Page title={at[1]}>
      <Tabs
        value={at[0]}
        onChange={(address) => {
          const tab = tabs.find(([known]) => known === address);
          if (tab) void navigate({ to: tab[0] });
        }}
        activateTabWithKeyboard={false}
      >
        <Tabs.List aria-label="Settings">
          {tabs.map(([address, label]) => (
            <Tabs.Tab key={address} value={address}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={at[0]} pt="md">
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
