import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { newCache } from './api/cache';
import { newRouter } from './routes';
import { LoggedOutContext } from './session/logged-out';
import { theme } from './ui/theme';

const cache = newCache(() => loggedOut());
const router = newRouter(cache);

/** Leads to the log-in page, and from there back to where this page is. */
function loggedOut(): void {
  const { href, pathname } = router.state.location;
  if (pathname === '/login' || pathname === '/setup') return;
  // First away, then everything is forgotten: pages inside cannot be drawn for nobody.
  void router.navigate({ to: '/login', search: { next: href } }).then(() => cache.clear());
}

export function App() {
  return (
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <QueryClientProvider client={cache}>
          <LoggedOutContext value={loggedOut}>
            <RouterProvider router={router} />
          </LoggedOutContext>
        </QueryClientProvider>
        <Notifications position="bottom-right" />
      </MantineProvider>
    </StrictMode>
  );
}
