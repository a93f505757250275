import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { useLoggedOut } from '../session/logged-out';
import { CacheFeed } from './apply';
import { LiveConnection, type LiveState } from './connection';

const LiveContext = createContext<LiveState>({ kind: 'connecting' });

/** How the stream of live events is. */
export function useLive(): LiveState {
  return useContext(LiveContext);
}

/** How long a page that nobody sees stays connected: switching between tabs is no reason to hang up. */
const linger = 60_000;

/** Keeps the cache of answers true for everything inside. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const loggedOut = useLoggedOut();
  const [state, setState] = useState<LiveState>({ kind: 'connecting' });

  useEffect(() => {
    const feed = new CacheFeed(client);
    const connection = new LiveConnection({
      reset: () => feed.reset(),
      event: (event) => feed.event(event),
      state: setState,
      loggedOut,
    });
    connection.open();
    const stopWatching = whenHidden(
      () => connection.pause(),
      () => connection.open(),
    );
    return () => {
      stopWatching();
      connection.close();
      feed.close();
    };
  }, [client, loggedOut]);

  return <LiveContext value={state}>{children}</LiveContext>;
}

function whenHidden(hidden: () => void, seen: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(hidden, linger);
    else seen();
  };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('online', seen);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
    window.removeEventListener('online', seen);
  };
}
