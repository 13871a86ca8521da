CREATE TABLE `accounts` (
	`id` text PRIMARY KEY NOT NULL,
	`username` text NOT NULL,
	`name` text NOT NULL,
	`password` text,
	`administrator` integer NOT NULL,
	`created_at` integer NOT NULL,
	`disabled_at` integer,
	`sign_ins_since` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `accounts_username` ON `accounts` (`username`);--> statement-breakpoint
CREATE INDEX `accounts_administrators` ON `accounts` (`disabled_at`) WHERE administrator;--> statement-breakpoint
CREATE TABLE `artifacts` (
	`key` text PRIMARY KEY NOT NULL,
	`model` text NOT NULL,
	`payload` text NOT NULL,
	`family_id` text,
	`uid` text,
	`expires_at` integer,
	`consumed_at` integer
);
--> statement-breakpoint
CREATE INDEX `artifacts_uid` ON `artifacts` (`uid`,`model`) WHERE uid IS NOT NULL;--> statement-breakpoint
CREATE INDEX `artifacts_expiry` ON `artifacts` (`expires_at`);--> statement-breakpoint
CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`action` text NOT NULL,
	`outcome` text NOT NULL,
	`reason` text,
	`account_id` text,
	`client_id` text,
	`resource` text,
	`grant_id` text,
	`family_id` text,
	`trace_id` text,
	`detail` text
);
--> statement-breakpoint
CREATE INDEX `audit_trace` ON `audit` (`trace_id`);--> statement-breakpoint
CREATE TABLE `client_documents` (
	`url` text PRIMARY KEY NOT NULL,
	`document` text NOT NULL,
	`digest` text NOT NULL,
	`fetched_at` integer NOT NULL,
	`fresh_until` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `clients` (
	`id` text PRIMARY KEY NOT NULL,
	`origin` text NOT NULL,
	`name` text NOT NULL,
	`metadata` text NOT NULL,
	`secret` text,
	`management` text,
	`kind` text,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	`disabled_at` integer
);
--> statement-breakpoint
CREATE INDEX `clients_unused` ON `clients` (`origin`,`last_used_at`,`created_at`);--> statement-breakpoint
CREATE INDEX `clients_kind` ON `clients` (`kind`,`last_used_at`);--> statement-breakpoint
CREATE TABLE `connect_links` (
	`digest` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`grant_id` text NOT NULL,
	`upstream` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`consumed_at` integer
);
--> statement-breakpoint
CREATE INDEX `connect_links_expiry` ON `connect_links` (`expires_at`);--> statement-breakpoint
CREATE TABLE `families` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`client_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	`access_until` integer,
	`ended_at` integer,
	`ended_by` text
);
--> statement-breakpoint
CREATE INDEX `families_account` ON `families` (`account_id`,`client_id`);--> statement-breakpoint
CREATE TABLE `family_grants` (
	`family_id` text NOT NULL,
	`grant_id` text NOT NULL,
	PRIMARY KEY(`family_id`, `grant_id`)
);
--> statement-breakpoint
CREATE INDEX `family_grants_grant` ON `family_grants` (`grant_id`);--> statement-breakpoint
CREATE TABLE `grants` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`client_id` text NOT NULL,
	`client_name` text NOT NULL,
	`client_identity` text NOT NULL,
	`resource` text NOT NULL,
	`scopes` text NOT NULL,
	`tools` text NOT NULL,
	`upstreams` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`ended_at` integer,
	`ended_by` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `grants_live` ON `grants` (`account_id`,`client_id`,`resource`) WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX `grants_account` ON `grants` (`account_id`,`ended_at`);--> statement-breakpoint
CREATE INDEX `grants_resource` ON `grants` (`resource`,`ended_at`);--> statement-breakpoint
CREATE INDEX `grants_standing` ON `grants` (`created_at`,`id`) WHERE ended_at IS NULL;--> statement-breakpoint
CREATE TABLE `identities` (
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`account_id` text NOT NULL,
	`upstream` text NOT NULL,
	`name` text,
	`username` text,
	`email` text,
	`domain` text,
	`groups` text NOT NULL,
	`groups_incomplete` integer NOT NULL,
	`groups_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	PRIMARY KEY(`issuer`, `subject`)
);
--> statement-breakpoint
CREATE INDEX `identities_account` ON `identities` (`account_id`);--> statement-breakpoint
CREATE INDEX `identities_groups` ON `identities` (`groups_at`);--> statement-breakpoint
CREATE TABLE `invitations` (
	`digest` text PRIMARY KEY NOT NULL,
	`purpose` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`consumed_at` integer
);
--> statement-breakpoint
CREATE INDEX `invitations_expiry` ON `invitations` (`expires_at`);--> statement-breakpoint
CREATE TABLE `resources` (
	`uri` text PRIMARY KEY NOT NULL,
	`origin` text NOT NULL,
	`declaration` text NOT NULL,
	`server_id` text,
	`server_secret` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `resources_server` ON `resources` (`server_id`);--> statement-breakpoint
CREATE TABLE `revoked_tokens` (
	`jti` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `revoked_tokens_expiry` ON `revoked_tokens` (`expires_at`);--> statement-breakpoint
CREATE TABLE `secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`value` blob NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`kid` text PRIMARY KEY NOT NULL,
	`algorithm` text NOT NULL,
	`state` text NOT NULL,
	`public` text NOT NULL,
	`private` blob NOT NULL,
	`created_at` integer NOT NULL,
	`changed_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signing_keys_in_use` ON `signing_keys` (`algorithm`,`state`) WHERE state <> 'retired';--> statement-breakpoint
CREATE TABLE `upstream_connections` (
	`id` text PRIMARY KEY NOT NULL,
	`account_id` text NOT NULL,
	`upstream` text NOT NULL,
	`kind` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`name` text NOT NULL,
	`sealed` blob,
	`scopes` text NOT NULL,
	`version` integer NOT NULL,
	`expires_at` integer,
	`refreshing_until` integer,
	`attempts` integer NOT NULL,
	`retry_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`last_used_at` integer,
	`ended_at` integer,
	`ended_by` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `upstream_connections_live` ON `upstream_connections` (`account_id`,`upstream`) WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX `upstream_connections_account` ON `upstream_connections` (`account_id`,`ended_at`);--> statement-breakpoint
CREATE INDEX `upstream_connections_person` ON `upstream_connections` (`issuer`,`subject`) WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX `upstream_connections_revoke` ON `upstream_connections` (`retry_at`) WHERE ended_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `upstream_connections_ended` ON `upstream_connections` (`ended_at`) WHERE sealed IS NULL;--> statement-breakpoint
CREATE TABLE `upstream_transactions` (
	`state` text PRIMARY KEY NOT NULL,
	`upstream` text NOT NULL,
	`purpose` text NOT NULL,
	`browser` text NOT NULL,
	`body` text NOT NULL,
	`account_id` text,
	`expires_at` integer NOT NULL,
	`consumed_at` integer,
	`finished_at` integer
);
--> statement-breakpoint
CREATE INDEX `upstream_transactions_expiry` ON `upstream_transactions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `upstreams` (
	`name` text PRIMARY KEY NOT NULL,
	`origin` text NOT NULL,
	`declaration` text NOT NULL,
	`secret` blob,
	`created_at` integer NOT NULL
);
