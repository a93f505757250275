import type { UserRole } from '../api/types';

export const roles: Record<UserRole, string> = {
  viewer: 'Viewer',
  operator: 'Operator',
  owner: 'Owner',
};

/** What each role may do; each may all that the one before may. */
export const rolesExplained: Record<UserRole, string> = {
  viewer: 'Reads everything, changes nothing',
  operator: 'Also changes sites, tunnels and faults',
  owner: 'Also manages users, API tokens and the organization',
};
