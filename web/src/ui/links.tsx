import {
  Anchor,
  type AnchorProps,
  Button,
  type ButtonProps,
  Menu,
  type MenuItemProps,
  NavLink,
  type NavLinkProps,
} from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

type AnchorElement = Omit<ComponentPropsWithRef<'a'>, keyof AnchorProps>;

/** A link in a text, to a typed path of ours. */
export const TextLink = createLink((props: AnchorProps & AnchorElement) => <Anchor {...props} />);

/** A link that looks like a button. */
export const ButtonLink = createLink(
  (props: ButtonProps & Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps>) => (
    <Button component="a" {...props} />
  ),
);

/** An entry of the navigation. */
export const MenuLink = createLink(
  (props: NavLinkProps & Omit<ComponentPropsWithRef<'a'>, keyof NavLinkProps>) => (
    <NavLink component="a" {...props} />
  ),
);

/** An entry of a menu that leads somewhere. */
export const MenuItemLink = createLink(
  (props: MenuItemProps & Omit<ComponentPropsWithRef<'a'>, keyof MenuItemProps>) => (
    <Menu.Item component="a" {...props} />
  ),
);
