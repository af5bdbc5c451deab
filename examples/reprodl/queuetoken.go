package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

func (a *app) queueTokenCmd() *cobra.Command {
	var list, client bool
	var revoke []string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens of the queue (not in dvc)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			switch {
			case len(revoke) > 0:
				return hub.Revoke(repo, revoke...)
			case list:
				return a.listTokens(repo)
			}
			role := hub.Worker
			if client {
				role = hub.Client
			}
			token, err := hub.NewToken(repo, role, life)
			if err == nil {
				a.printf("%s\n", token)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&client, "client", false, "make one that may queue and see everything, and so run code on the workers")
	f.BoolVar(&list, "list", false, "list the tokens, without their secrets")
	f.StringArrayVar(&revoke, "revoke", nil, "revoke the token of this `id`; all is every token that was given out")
	f.DurationVar(&life, "expires", 30*24*time.Hour, "how long the token is good; 0 is for ever")
	return cmd
}

func (a *app) listTokens(repo *experiment.Repo) error {
	keys, err := hub.Keys(repo)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, k := range keys {
		until := "-"
		switch {
		case k.Revoked:
			until = "revoked"
		case !k.Expires.IsZero() && time.Now().After(k.Expires):
			until = "expired"
		case !k.Expires.IsZero():
			until = k.Expires.Local().Format(time.DateTime)
		}
		rows = append(rows, []string{k.ID, string(k.Role), k.Made.Local().Format(time.DateTime), until})
	}
	a.printf("%s", plainTable([]string{"Token", "For", "Made", "Good until"}, rows))
	return nil
}

func (a *app) queueUseCmd() *cobra.Command {
	var end bool
	cmd := &cobra.Command{
		Use:   "use [token]",
		Short: "Use the queue of a hub on another machine (not in dvc)",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if end == (len(args) > 0) {
				return errors.New("give a token of 'queue token --client', - to read it, or --none")
			}
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			if end {
				return hub.Use(repo, nil)
			}
			token, err := a.readToken(args[0])
			if err != nil {
				return err
			}
			c, err := hub.Dial(cmd.Context(), token, &hub.DialOptions{Login: hub.EnvLogin(a.getenv)})
			if err != nil {
				return err
			}
			defer c.Close()
			return hub.Use(repo, token)
		},
	}
	cmd.Flags().BoolVar(&end, "none", false, "use no hub any more")
	return cmd
}

// readToken is a token of the command line; "-" reads it from the input, as others
// see a command's arguments.
func (a *app) readToken(text string) (*hub.Token, error) {
	if text == "-" {
		var err error
		if text, err = a.readLine(); err != nil && text == "" {
			return nil, fmt.Errorf("a token on standard input: %w", err)
		}
	}
	return hub.ParseToken(text)
}

// readLine takes one line of the input, and nothing of what follows.
func (a *app) readLine() (string, error) {
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := a.Stdin.Read(one)
		if n > 0 && one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[:n]...)
		if err != nil {
			return string(line), err
		}
	}
}
