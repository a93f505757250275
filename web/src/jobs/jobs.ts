import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, everyPage, ok, onceKey, pageLimit } from '../api/client';
import { keys } from '../api/keys';
import type { Job } from '../api/types';
import type { JobFilter } from './filter';

const pageLength = 50;

export const jobsQuery = (filter: JobFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.jobs, filter],
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET('/api/v1/jobs', {
          params: { query: { limit: pageLength, after: pageParam, ...filter } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: keys.job(id),
    queryFn: ({ signal }) => ok(api.GET('/api/v1/jobs/{id}', { params: { path: { id } }, signal })),
  });

export function useCancelJob(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/jobs/{id}/cancellation', {
          params: { path: { id }, header: { 'Idempotency-Key': onceKey() } },
        }),
      ),
    onSuccess: (job) => client.setQueryData(keys.job(id), job),
  });
}

/** What a router was told by a job, and what it said. */
export const jobLogQuery = (id: string) =>
  queryOptions({
    queryKey: keys.jobLog(id),
    queryFn: ({ signal }) =>
      everyPage((after) =>
        ok(
          api.GET('/api/v1/jobs/{id}/log', {
            params: { path: { id }, query: { limit: pageLimit, after } },
            signal,
          }),
        ),
      ),
  });

/** Does the same again as a new job. */
export function useRetryJob(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      ok(
        api.POST('/api/v1/jobs/{id}/retry', {
          params: { path: { id }, header: { 'Idempotency-Key': onceKey() } },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
}

/** Whether a job is still to do something. */
export function goesOn({ state }: Job): boolean {
  return state === 'queued' || state === 'running';
}
