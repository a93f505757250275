import { Alert, Button } from '@mantine/core';
import { IconDownload, IconMoodHappy, IconWaveSine } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { Fault } from '../api/types';
import { EmptyState } from '../ui/notes';
import { OlderRows } from '../ui/OlderRows';
import { Page } from '../ui/Page';
import { FaultFilters } from './FaultFilters';
import { FaultsTable } from './FaultsTable';
import { faultsQuery } from './faults';
import { csvAddress } from './filter';
import { Timeline } from './Timeline';
import { placeOf } from './timeline';

export function FaultsPage() {
  const filter = useSearch({ from: '/inside/faults' });
  const faults = useInfiniteQuery(faultsQuery(filter));
  const isFiltered = Object.keys(filter).length > 0;

  return (
    <Page
      title="Faults"
      about="What was, or is, wrong with sites and their tunnels, written in the moment in which routing decided."
      actions={
        <Button
          component="a"
          href={csvAddress(filter)}
          download
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          CSV
        </Button>
      }
    >
      <FaultFilters filter={filter} />
      <OlderRows
        of={faults}
        what="faults"
        empty={
          <EmptyState icon={IconMoodHappy} title={isFiltered ? 'No fault matches' : 'No faults'}>
            {isFiltered
              ? 'Change the search, or clear the filters.'
              : 'When a connection fails, is worse than its targets, or flaps, the fault appears here with its cause and how long it lasted.'}
          </EmptyState>
        }
      >
        {(found) => (
          <>
            <Flapping faults={found} />
            <Timeline faults={found} />
            <FaultsTable faults={found} />
          </>
        )}
      </OlderRows>
    </Page>
  );
}

/** A link that comes and goes hurts more than one that is simply gone, so it is not left to the table alone. */
function Flapping({ faults }: { faults: Fault[] }) {
  const flapping = faults.filter(({ type, state }) => type === 'link-flapping' && state === 'open');
  if (flapping.length === 0) return null;
  return (
    <Alert color="orange" icon={<IconWaveSine aria-hidden />} title="Flapping now">
      {flapping.map(placeOf).join(', ')}. A link that comes and goes is held back longer after each failure,
      so that it does not take the traffic with it.
    </Alert>
  );
}
