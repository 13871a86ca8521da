CREATE TABLE "accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"username" text NOT NULL,
	"name" text NOT NULL,
	"password" text,
	"administrator" boolean NOT NULL,
	"created_at" bigint NOT NULL,
	"disabled_at" bigint,
	"sign_ins_since" bigint
);
--> statement-breakpoint
CREATE TABLE "artifacts" (
	"key" text PRIMARY KEY NOT NULL,
	"model" text NOT NULL,
	"payload" text NOT NULL,
	"family_id" text,
	"uid" text,
	"expires_at" bigint,
	"consumed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "audit" (
	"id" text PRIMARY KEY NOT NULL,
	"at" bigint NOT NULL,
	"action" text NOT NULL,
	"outcome" text NOT NULL,
	"reason" text,
	"account_id" text,
	"client_id" text,
	"resource" text,
	"grant_id" text,
	"family_id" text,
	"trace_id" text,
	"detail" text
);
--> statement-breakpoint
CREATE TABLE "client_documents" (
	"url" text PRIMARY KEY NOT NULL,
	"document" text NOT NULL,
	"digest" text NOT NULL,
	"fetched_at" bigint NOT NULL,
	"fresh_until" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "clients" (
	"id" text PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"name" text NOT NULL,
	"metadata" text NOT NULL,
	"secret" text,
	"management" text,
	"kind" text,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint,
	"disabled_at" bigint
);
--> statement-breakpoint
CREATE TABLE "connect_links" (
	"digest" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"grant_id" text NOT NULL,
	"upstream" text NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"consumed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "families" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"client_id" text NOT NULL,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint,
	"access_until" bigint,
	"ended_at" bigint,
	"ended_by" text
);
--> statement-breakpoint
CREATE TABLE "family_grants" (
	"family_id" text NOT NULL,
	"grant_id" text NOT NULL,
	CONSTRAINT "family_grants_family_id_grant_id_pk" PRIMARY KEY("family_id","grant_id")
);
--> statement-breakpoint
CREATE TABLE "grants" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"client_id" text NOT NULL,
	"client_name" text NOT NULL,
	"client_identity" text NOT NULL,
	"resource" text NOT NULL,
	"scopes" text NOT NULL,
	"tools" text NOT NULL,
	"upstreams" text NOT NULL,
	"version" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"ended_at" bigint,
	"ended_by" text
);
--> statement-breakpoint
CREATE TABLE "identities" (
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"account_id" text NOT NULL,
	"upstream" text NOT NULL,
	"name" text,
	"username" text,
	"email" text,
	"domain" text,
	"groups" text NOT NULL,
	"groups_incomplete" boolean NOT NULL,
	"groups_at" bigint NOT NULL,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint NOT NULL,
	CONSTRAINT "identities_issuer_subject_pk" PRIMARY KEY("issuer","subject")
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"digest" text PRIMARY KEY NOT NULL,
	"purpose" text NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"consumed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "resources" (
	"uri" text PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"declaration" text NOT NULL,
	"server_id" text,
	"server_secret" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revoked_tokens" (
	"jti" text PRIMARY KEY NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "secrets" (
	"name" text PRIMARY KEY NOT NULL,
	"value" "bytea" NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"algorithm" text NOT NULL,
	"state" text NOT NULL,
	"public" text NOT NULL,
	"private" "bytea" NOT NULL,
	"created_at" bigint NOT NULL,
	"changed_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "upstream_connections" (
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"upstream" text NOT NULL,
	"kind" text NOT NULL,
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"sealed" "bytea",
	"scopes" text NOT NULL,
	"version" integer NOT NULL,
	"expires_at" bigint,
	"refreshing_until" bigint,
	"attempts" integer NOT NULL,
	"retry_at" bigint,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"last_used_at" bigint,
	"ended_at" bigint,
	"ended_by" text
);
--> statement-breakpoint
CREATE TABLE "upstream_transactions" (
	"state" text PRIMARY KEY NOT NULL,
	"upstream" text NOT NULL,
	"purpose" text NOT NULL,
	"browser" text NOT NULL,
	"body" text NOT NULL,
	"account_id" text,
	"expires_at" bigint NOT NULL,
	"consumed_at" bigint,
	"finished_at" bigint
);
--> statement-breakpoint
CREATE TABLE "upstreams" (
	"name" text PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"declaration" text NOT NULL,
	"secret" "bytea",
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "accounts_username" ON "accounts" USING btree ("username");--> statement-breakpoint
CREATE INDEX "accounts_administrators" ON "accounts" USING btree ("disabled_at") WHERE administrator;--> statement-breakpoint
CREATE INDEX "artifacts_uid" ON "artifacts" USING btree ("uid","model") WHERE uid IS NOT NULL;--> statement-breakpoint
CREATE INDEX "artifacts_expiry" ON "artifacts" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "audit_trace" ON "audit" USING btree ("trace_id");--> statement-breakpoint
CREATE INDEX "clients_unused" ON "clients" USING btree ("origin","last_used_at","created_at");--> statement-breakpoint
CREATE INDEX "clients_kind" ON "clients" USING btree ("kind","last_used_at");--> statement-breakpoint
CREATE INDEX "connect_links_expiry" ON "connect_links" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "families_account" ON "families" USING btree ("account_id","client_id");--> statement-breakpoint
CREATE INDEX "family_grants_grant" ON "family_grants" USING btree ("grant_id");--> statement-breakpoint
CREATE UNIQUE INDEX "grants_live" ON "grants" USING btree ("account_id","client_id","resource") WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX "grants_account" ON "grants" USING btree ("account_id","ended_at");--> statement-breakpoint
CREATE INDEX "grants_resource" ON "grants" USING btree ("resource","ended_at");--> statement-breakpoint
CREATE INDEX "grants_standing" ON "grants" USING btree ("created_at","id") WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX "identities_account" ON "identities" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "identities_groups" ON "identities" USING btree ("groups_at");--> statement-breakpoint
CREATE INDEX "invitations_expiry" ON "invitations" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "resources_server" ON "resources" USING btree ("server_id");--> statement-breakpoint
CREATE INDEX "revoked_tokens_expiry" ON "revoked_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "signing_keys_in_use" ON "signing_keys" USING btree ("algorithm","state") WHERE state <> 'retired';--> statement-breakpoint
CREATE UNIQUE INDEX "upstream_connections_live" ON "upstream_connections" USING btree ("account_id","upstream") WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX "upstream_connections_account" ON "upstream_connections" USING btree ("account_id","ended_at");--> statement-breakpoint
CREATE INDEX "upstream_connections_person" ON "upstream_connections" USING btree ("issuer","subject") WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX "upstream_connections_revoke" ON "upstream_connections" USING btree ("retry_at") WHERE ended_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX "upstream_connections_ended" ON "upstream_connections" USING btree ("ended_at") WHERE sealed IS NULL;--> statement-breakpoint
CREATE INDEX "upstream_transactions_expiry" ON "upstream_transactions" USING btree ("expires_at");