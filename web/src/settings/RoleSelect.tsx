import { Select, type SelectProps } from '@mantine/core';
import { options } from '../ui/states';
import { roles, rolesExplained } from './roles';

/** Picks a role, and says what the picked one may do. */
export function RoleSelect({ value, ...props }: Omit<SelectProps, 'data'>) {
  const picked = options(roles).find((role) => role.value === value);
  return (
    <Select
      label="Role"
      data={options(roles)}
      value={value}
      allowDeselect={false}
      description={picked && rolesExplained[picked.value]}
      {...props}
    />
  );
}
