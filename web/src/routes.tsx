import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { faultFilter } from './faults/filter';
import { jobFilter } from './jobs/filter';
import { LogInPage } from './session/LogInPage';
import { SetUpPage } from './session/SetUpPage';
import { sessionQuery } from './session/session';
import { auditFilter } from './settings/audit/filter';
import { organizationQuery } from './settings/organization';
import { Crashed, NoSuchPage } from './shell/Crashed';
import { Shell } from './shell/Shell';
import { failoverQuery } from './site/failover';
import { healthSearch } from './site/health/range';
import { siteFilter } from './sites/filter';
import { SitesPage } from './sites/SitesPage';
import { siteQuery } from './sites/sites';
import { fleetFilter } from './tunnels/filter';
import { Loading } from './ui/notes';

/**
 * Every page, with what its address may say. A filter is checked where it comes in from the address bar, so that no
 * page needs to doubt it. What is not needed for the first page is loaded when somebody goes there.
 */
const root = createRootRouteWithContext<{ cache: QueryClient }>()({
  notFoundComponent: NoSuchPage,
});

const logIn = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: LogInPage,
  validateSearch: (search: Record<string, unknown>): { next?: string } => {
    // Only our own pages: an address from elsewhere must not lead away.
    const { next } = search;
    return typeof next === 'string' && /^\/(?!\/|\\)/.test(next) ? { next } : {};
  },
});

const setUp = createRoute({ getParentRoute: () => root, path: '/setup', component: SetUpPage });

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    const me = await context.cache.ensureQueryData(sessionQuery);
    if (!me) throw redirect({ to: '/login', search: location.href === '/' ? {} : { next: location.href } });
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/sites', replace: true });
  },
});

const sites = createRoute({
  getParentRoute: () => inside,
  path: '/sites',
  component: SitesPage,
  validateSearch: siteFilter,
});

const site = createRoute({
  getParentRoute: () => inside,
  path: '/sites/$site',
  // What every page of a site shows is asked for while its script is on its way.
  loader: ({ context, params }) => {
    void context.cache.prefetchQuery(siteQuery(params.site));
    void context.cache.prefetchQuery(failoverQuery(params.site));
  },
  component: lazyRouteComponent(() => import('./site/SiteLayout'), 'SiteLayout'),
});

const overview = createRoute({
  getParentRoute: () => site,
  path: '/',
  component: lazyRouteComponent(() => import('./site/overview/OverviewPage'), 'OverviewPage'),
});

const failover = createRoute({
  getParentRoute: () => site,
  path: '/failover',
  component: lazyRouteComponent(() => import('./site/failover/FailoverPage'), 'FailoverPage'),
});

const health = createRoute({
  getParentRoute: () => site,
  path: '/health',
  component: lazyRouteComponent(() => import('./site/health/HealthPage'), 'HealthPage'),
  validateSearch: healthSearch,
});

const tunnels = createRoute({
  getParentRoute: () => inside,
  path: '/tunnels',
  component: lazyRouteComponent(() => import('./tunnels/FleetPage'), 'FleetPage'),
  validateSearch: fleetFilter,
});

const faults = createRoute({
  getParentRoute: () => inside,
  path: '/faults',
  component: lazyRouteComponent(() => import('./faults/FaultsPage'), 'FaultsPage'),
  validateSearch: faultFilter,
});

const fault = createRoute({
  getParentRoute: () => inside,
  path: '/faults/$fault',
  component: lazyRouteComponent(() => import('./faults/FaultPage'), 'FaultPage'),
});

const jobs = createRoute({
  getParentRoute: () => inside,
  path: '/jobs',
  component: lazyRouteComponent(() => import('./jobs/JobsPage'), 'JobsPage'),
  validateSearch: jobFilter,
});

const job = createRoute({
  getParentRoute: () => inside,
  path: '/jobs/$job',
  component: lazyRouteComponent(() => import('./jobs/JobPage'), 'JobPage'),
});

const settings = createRoute({
  getParentRoute: () => inside,
  path: '/settings',
  component: lazyRouteComponent(() => import('./settings/SettingsLayout'), 'SettingsLayout'),
});

const settingsHome = createRoute({
  getParentRoute: () => settings,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/settings/account', replace: true });
  },
});

const account = createRoute({
  getParentRoute: () => settings,
  path: '/account',
  component: lazyRouteComponent(() => import('./settings/AccountPage'), 'AccountPage'),
});

const organization = createRoute({
  getParentRoute: () => settings,
  path: '/organization',
  loader: ({ context }) => context.cache.prefetchQuery(organizationQuery),
  component: lazyRouteComponent(() => import('./settings/OrganizationPage'), 'OrganizationPage'),
});

const users = createRoute({
  getParentRoute: () => settings,
  path: '/users',
  component: lazyRouteComponent(() => import('./settings/users/UsersPage'), 'UsersPage'),
});

const tokens = createRoute({
  getParentRoute: () => settings,
  path: '/tokens',
  component: lazyRouteComponent(() => import('./settings/tokens/TokensPage'), 'TokensPage'),
});

const providers = createRoute({
  getParentRoute: () => settings,
  path: '/providers',
  component: lazyRouteComponent(() => import('./settings/ProvidersPage'), 'ProvidersPage'),
});

const audit = createRoute({
  getParentRoute: () => settings,
  path: '/audit',
  component: lazyRouteComponent(() => import('./settings/audit/AuditPage'), 'AuditPage'),
  validateSearch: auditFilter,
});

const tree = root.addChildren([
  logIn,
  setUp,
  inside.addChildren([
    home,
    sites,
    site.addChildren([overview, failover, health]),
    tunnels,
    faults,
    fault,
    jobs,
    job,
    settings.addChildren([settingsHome, account, organization, users, tokens, providers, audit]),
  ]),
]);

export function newRouter(cache: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { cache },
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultPendingComponent: Loading,
    defaultErrorComponent: Crashed,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
