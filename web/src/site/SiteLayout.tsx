import { Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useNavigate, useParams, useRouterState } from '@tanstack/react-router';
import { ApiError } from '../api/error';
import type { Site } from '../api/types';
import { NotFound } from '../shell/Crashed';
import { siteQuery } from '../sites/sites';
import { TextLink } from '../ui/links';
import { Answer } from '../ui/notes';
import { Page } from '../ui/Page';
import { StateBadge } from '../ui/StateBadge';
import { siteStates } from '../ui/states';
import { BreakThings } from './lab/BreakThings';
import { SiteMenu } from './SiteMenu';
import { siteTabs, tabOf } from './tabs';

/** The frame of every page of one site. */
export function SiteLayout() {
  const { site: id } = useParams({ from: '/inside/sites/$site' });
  const site = useQuery(siteQuery(id));
  if (site.error instanceof ApiError && site.error.status === 404) return <NotFound />;
  return <Answer of={site}>{(data) => <Framed site={data} />}</Answer>;
}

function Framed({ site }: { site: Site }) {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const at = tabOf(path);
  return (
    <Page
      title={site.name}
      above={
        <Text size="sm">
          <TextLink to="/sites">Sites</TextLink>
        </Text>
      }
      about={site.note}
      actions={
        <>
          <StateBadge look={siteStates[site.status.state]} size="lg" />
          <SiteMenu site={site} />
        </>
      }
    >
      <Tabs
        value={at.to}
        onChange={(value) => {
          const tab = siteTabs.find(({ to }) => to === value);
          if (tab) void navigate({ to: tab.to, params: { site: site.id } });
        }}
        activateTabWithKeyboard={false}
      >
        <Tabs.List aria-label={`Pages of ${site.name}`}>
          {siteTabs.map(({ to, label }) => (
            <Tabs.Tab key={to} value={to}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={at.to} pt="md">
          <BreakThings />
          <Outlet />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
