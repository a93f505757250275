import { createContext, useContext } from 'react';

/** Leads to the log-in page, and back here afterwards. */
export const LoggedOutContext = createContext<() => void>(() => {});

export function useLoggedOut(): () => void {
  return useContext(LoggedOutContext);
}
