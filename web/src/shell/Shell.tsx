import { AppShell, Burger, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { Suspense, useEffect, useRef } from 'react';
import { LiveProvider } from '../live/LiveProvider';
import { useMe } from '../session/session';
import { Logo } from '../ui/Logo';
import { Loading } from '../ui/notes';
import { LiveBadge } from './LiveBadge';
import { Navigation } from './Navigation';
import classes from './Shell.module.css';
import { UserMenu } from './UserMenu';

/** The frame of every page after the log-in. */
export function Shell() {
  const [opened, { toggle, close }] = useDisclosure();
  const main = useRef<HTMLElement>(null);
  useFocusOfNewPage(main, close);

  return (
    <LiveProvider>
      <a href="#main" className={classes.skip}>
        Skip to the content
      </a>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !opened } }}
        padding={{ base: 'sm', sm: 'lg' }}
      >
        <AppShell.Header>
          <Group h="100%" px="md" gap="sm" wrap="nowrap">
            <Burger
              opened={opened}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={opened ? 'Close the navigation' : 'Open the navigation'}
              aria-expanded={opened}
            />
            <Link to="/sites" className={classes.brand} aria-label="Holdfast">
              <Logo />
              <Text fw={700} span visibleFrom="xs">
                Holdfast
              </Text>
            </Link>
            <Organization />
            <Group gap="xs" ml="auto" wrap="nowrap">
              <LiveBadge />
              <UserMenu />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label="Main">
          <Navigation />
        </AppShell.Navbar>
        <AppShell.Main id="main" ref={main} tabIndex={-1} className={classes.main}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </AppShell.Main>
      </AppShell>
    </LiveProvider>
  );
}

function Organization() {
  const me = useMe();
  return (
    <Text c="dimmed" size="sm" truncate>
      {me.organization.name}
    </Text>
  );
}

/** Whoever reads with ears or moves by keyboard begins a new page at its beginning. */
function useFocusOfNewPage(main: React.RefObject<HTMLElement | null>, onNewPage: () => void): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    onNewPage();
    main.current?.focus({ preventScroll: true });
  }, [path, main, onNewPage]);
}
