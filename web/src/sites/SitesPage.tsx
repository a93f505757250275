import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBuilding, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import type { Site } from '../api/types';
import { useMay } from '../session/session';
import { Answer, EmptyState } from '../ui/notes';
import { Page } from '../ui/Page';
import { matching } from './filter';
import { NewSite } from './NewSite';
import { SiteFilters } from './SiteFilters';
import { SitesTable } from './SitesTable';
import { sitesQuery } from './sites';

export function SitesPage() {
  const sites = useQuery(sitesQuery);
  const [adding, { open, close }] = useDisclosure();
  const mayAdd = useMay('operator');
  const add = mayAdd && (
    <Button onClick={open} leftSection={<IconPlus size={16} aria-hidden />}>
      New site
    </Button>
  );

  return (
    <Page title="Sites" actions={add}>
      <Answer of={sites}>
        {(all) =>
          all.length > 0 ? (
            <Found all={all} />
          ) : (
            <EmptyState icon={IconBuilding} title="No sites yet" action={add}>
              A site is one router with two or more internet connections. Make one, connect its router, and
              enable failover: from then on its traffic leaves through the best connection that works.
            </EmptyState>
          )
        }
      </Answer>
      {mayAdd && <NewSite opened={adding} onClose={close} />}
    </Page>
  );
}

function Found({ all }: { all: Site[] }) {
  const filter = useDeferredValue(useSearch({ from: '/inside/sites' }));
  const found = useMemo(() => matching(all, filter), [all, filter]);
  return (
    <>
      <SiteFilters all={all} found={found.length} />
      {found.length > 0 ? (
        <SitesTable sites={found} />
      ) : (
        <EmptyState icon={IconBuilding} title="No site matches">
          Change the search, or clear the filters to see all {all.length} sites.
        </EmptyState>
      )}
    </>
  );
}
