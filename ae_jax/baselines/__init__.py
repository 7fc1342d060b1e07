"""Competitors in closed form that every autoencoder is measured against."""
