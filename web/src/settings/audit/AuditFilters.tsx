import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Choice, FilterBar, Moment } from '../../ui/filters';
import { options } from '../../ui/states';
import { tokensQuery } from '../tokens/tokens';
import { usersQuery } from '../users/users';
import { type AuditFilter, subjects } from './filter';

interface Props {
  filter: AuditFilter;
  onReload: () => void;
  isReading: boolean;
}

/** Who did something to what, and when. */
export function AuditFilters({ filter, onReload, isReading }: Props) {
  const navigate = useNavigate({ from: '/settings/audit' });
  const change = (part: Partial<AuditFilter>) =>
    navigate({ search: (now) => ({ ...now, ...part }), replace: true });
  return (
    <FilterBar filter={filter} onClear={() => navigate({ search: {}, replace: true })}>
      <Choice
        label="Who did it"
        all="Anybody"
        width={200}
        value={filter.actor}
        data={useActors()}
        onChange={(actor) => change({ actor })}
      />
      <Choice
        label="What it was done to"
        all="To anything"
        width={180}
        value={filter.subject_kind}
        data={options(subjects)}
        // What kind of thing one of them is, is known.
        onChange={(subject_kind) => change({ subject_kind, subject: undefined })}
      />
      <Moment label="From (UTC)" value={filter.from} onChange={(from) => change({ from })} />
      <Moment label="To (UTC)" value={filter.to} onChange={(to) => change({ to })} />
      <Button variant="default" onClick={onReload} loading={isReading}>
        Read again
      </Button>
    </FilterBar>
  );
}

/** People and API tokens; those that are gone are in the log, but cannot be chosen. */
function useActors() {
  const { data: users = [] } = useQuery(usersQuery);
  const { data: tokens = [] } = useQuery(tokensQuery);
  return [
    ...users.map(({ id, name }) => ({ value: id, label: name })),
    ...tokens.map(({ id, name }) => ({ value: id, label: `Token ${name}` })),
  ];
}
