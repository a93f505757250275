import { type UseFormReturnType, useForm } from '@mantine/form';
import { useEffect } from 'react';
import { fieldErrors } from '../api/error';

/**
 * A form whose fields show what the API finds wrong with them. The rules of what is valid are the API's alone; a
 * form only says what is missing.
 */
export function useApiForm<T extends Record<string, unknown>>(
  initialValues: T,
  error: unknown,
): UseFormReturnType<T> {
  const form = useForm<T>({ mode: 'controlled', initialValues });
  const { setErrors } = form;
  useEffect(() => setErrors(fieldErrors(error)), [error, setErrors]);
  return form;
}
