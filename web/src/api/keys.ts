/**
 * The names under which answers of the API are cached. Each begins with what live events speak of, so that
 * live/apply.ts finds everything that an event touches.
 */
export const keys = {
  session: ['session'],
  setUp: ['set-up'],
  server: ['server'],
  lab: ['lab'],
  organization: ['organization'],
  users: ['users'],
  tokens: ['tokens'],
  audit: ['audit'],
  sites: ['sites'],
  site: (site: string) => ['site', site],
  failover: (site: string) => ['failover', site],
  priority: (site: string) => ['priority', site],
  siteTunnels: (site: string) => ['site-tunnels', site],
  router: (site: string) => ['router', site],
  adoption: (site: string) => ['adoption', site],
  fleet: ['fleet'],
  tunnel: (tunnel: string) => ['tunnel', tunnel],
  /** The latest measurements, which only live events bring. */
  pulse: (tunnel: string) => ['pulse', tunnel],
  /** What the latest minutes carried. */
  traffic: (tunnel: string) => ['traffic', tunnel],
  health: (tunnel: string) => ['health', tunnel],
  states: (tunnel: string) => ['states', tunnel],
  faults: ['faults'],
  fault: (fault: string) => ['fault', fault],
  jobs: ['jobs'],
  job: (job: string) => ['job', job],
  jobLog: (job: string) => ['job-log', job],
} as const;
